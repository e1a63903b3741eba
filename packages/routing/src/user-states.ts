import type { Logger } from '@parley/runtime'
import type { LiveLeases } from './live-leases.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'
import { readUserConnections } from './user-connections.ts'
import type { WholeEpochs } from './whole-epochs.ts'

export interface UserState {
  readonly status: 'online' | 'offline' | 'unknown'
  /** When a connection of the user last ended, if that is still known here. */
  readonly lastSeenAt: Date | null
}

const UNKNOWN: UserState = { status: 'unknown', lastSeenAt: null }

/** Never throws: while it can not be told who is offline, they are `unknown`. */
export async function statesOf(
  { redis, leases, epochs, log }: { redis: RedisConnection; leases: LiveLeases; epochs: WholeEpochs; log: Logger },
  userIds: readonly string[],
): Promise<Map<string, UserState>> {
  try {
    if (redis.available) return await readStates(redis, leases, epochs, userIds)
  } catch (error) {
    log.warn({ error }, 'presence could not be read')
  }
  return new Map(userIds.map((userId) => [userId, UNKNOWN]))
}

async function readStates(
  redis: RedisConnection,
  leases: LiveLeases,
  epochs: WholeEpochs,
  userIds: readonly string[],
): Promise<Map<string, UserState>> {
  const byBucket = Map.groupBy(new Set(userIds), bucketOf)
  // Before the hashes are read: who registers after that is not in them.
  const wholeEpochs = new Map(byBucket.keys().map((bucket) => [bucket, epochs.of(bucket)]))
  const results = await redis.pipeline((pipeline) => {
    for (const [bucket, named] of byBucket) {
      for (const userId of named) pipeline.hgetall(redisKeys.user(userId))
      // After the hashes: if they were lost before they were read, the epoch shows it.
      pipeline.get(redisKeys.epoch(bucket))
    }
  })
  const next = results.values()
  const read = [...byBucket].flatMap(([bucket, named]) => {
    const users = named.map((userId) => ({
      userId,
      ...readUserConnections(next.next().value as Record<string, string>),
    }))
    const epoch = next.next().value as string | null
    const expected = wholeEpochs.get(bucket)
    const whole = epoch !== null && (expected === '*' || expected === epoch)
    return users.map((user) => ({ ...user, whole }))
  })
  const dead = await leases.deadAmong(read.flatMap(({ gatewayIds }) => [...gatewayIds]))
  return new Map(
    read.map(({ userId, gatewayIds, decidedOnline, lastSeenAt, whole }) => {
      const connected = !gatewayIds.isSubsetOf(dead)
      if (connected) return [userId, { status: 'online', lastSeenAt: null }]
      if (!whole) return [userId, UNKNOWN]
      // Within the grace: not announced as gone, so not gone.
      if (decidedOnline) return [userId, { status: 'online', lastSeenAt: null }]
      return [userId, { status: 'offline', lastSeenAt }]
    }),
  )
}
