import type { Logger } from '@parley/runtime'
import { compactId } from './compact-id.ts'
import { CHOOSE } from './presence-scripts.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'
import { DEFAULT_STATUS, STATUSES, VISIBILITIES, type ChosenStatus } from './user-hash.ts'

export interface UserStatus extends ChosenStatus {
  readonly userId: string
}

/** Asks the record of what users have chosen. Who has never chosen may be missing from the answer. */
export type ReadStatuses = (userIds: readonly string[]) => Promise<ReadonlyMap<string, ChosenStatus>>

/** `written`: it has just been stored, and its user becomes due. `read`: for users of whom Redis knows none. */
export async function writeStatuses(
  redis: RedisConnection,
  statuses: readonly UserStatus[],
  how: 'written' | 'read',
): Promise<void> {
  if (!redis.available) throw new Error('redis is away')
  await redis.pipeline((pipeline) => {
    for (const { userId, status, text, until, visibleTo, version } of statuses) {
      const keys = [redisKeys.user(userId), redisKeys.due(bucketOf(userId))]
      const chosen = [STATUSES.indexOf(status), text ?? '', until?.getTime() ?? '', VISIBILITIES.indexOf(visibleTo)]
      pipeline.evalsha(CHOOSE.sha, 2, ...keys, compactId(userId), redis.run, version, ...chosen, how)
    }
  })
}

/** Reads what users have chosen who are not known in Redis. Nobody else should wait for it for long. */
export interface StatusLoader extends AsyncDisposable {
  /** Brings it into Redis. Resolves when it is done, has failed, or takes too long. */
  load(userIds: readonly string[]): Promise<void>
  /** Of each of them, or of none if it fails or takes too long. */
  read(userIds: readonly string[]): Promise<ReadonlyMap<string, ChosenStatus>>
}

const PATIENCE_MS = 500

export function openStatusLoader(redis: RedisConnection, readStatuses: ReadStatuses, log: Logger): StatusLoader {
  const underWay = new Set<Promise<unknown>>()

  /** In time, or undefined: then it goes on by itself. */
  async function inTime<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const working = work()
      .catch((error: unknown) => {
        log.warn({ error }, 'statuses not loaded yet')
        return undefined
      })
      .finally(() => underWay.delete(working))
    underWay.add(working)
    using patience = waitAtMost(PATIENCE_MS)
    return (await Promise.race([working, patience.over])) ?? undefined
  }

  async function readAll(userIds: readonly string[]): Promise<ReadonlyMap<string, ChosenStatus>> {
    const found = await readStatuses(userIds)
    return new Map(userIds.map((userId) => [userId, found.get(userId) ?? DEFAULT_STATUS]))
  }

  return {
    async load(userIds) {
      if (userIds.length === 0) return
      await inTime(async () => {
        const statuses = [...(await readAll(userIds))].map(([userId, chosen]) => ({ userId, ...chosen }))
        await writeStatuses(redis, statuses, 'read')
      })
    },
    async read(userIds) {
      if (userIds.length === 0) return new Map()
      return (await inTime(() => readAll(userIds))) ?? new Map()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay)
    },
  }
}

function waitAtMost(ms: number): Disposable & { over: Promise<undefined> } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, ms, undefined)
  return { over: promise, [Symbol.dispose]: () => clearTimeout(timer) }
}
