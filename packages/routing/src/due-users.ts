import type { LiveLeases } from './live-leases.ts'
import { ANNOUNCED, CLAIM, SETTLE } from './presence-scripts.ts'
import { bucketOf, BUCKETS, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'
import { readUserConnections } from './user-connections.ts'
import type { WholeEpochs } from './whole-epochs.ts'

/** A user came or went. */
export interface Transition {
  readonly userId: string
  readonly status: 'online' | 'offline'
  /** Rises with each transition of the user. */
  readonly version: number
  readonly at: Date
  /** The claim under which it was found. */
  readonly claim: number
}

export interface SettleTimes {
  /** Longer than it takes to announce what was claimed. */
  readonly claimMs: number
  /** For how long the users of a dead gateway are forgiven, from when it is noticed. */
  readonly deadGraceMs: number
  /** When to look again at a user of whom it can not be told whether they are offline. */
  readonly doubtRetryMs: number
}

const USERS_PER_BUCKET = 50
/** Longer than it takes to store when they were last seen. */
const KEEP_OFFLINE_MS = 10 * 60_000

interface Due {
  readonly userId: string
  readonly claim: number
}

export async function settleDue({
  redis,
  leases,
  epochs,
  times,
}: {
  redis: RedisConnection
  leases: LiveLeases
  epochs: WholeEpochs
  times: SettleTimes
}): Promise<{ transitions: Transition[]; more: boolean }> {
  if (!redis.available) return { transitions: [], more: false }
  const { due, more } = await claimDue(redis, times.claimMs)
  if (due.length === 0) return { transitions: [], more }
  const hashes = await redis.pipeline((pipeline) =>
    due.forEach(({ userId }) => pipeline.hgetall(redisKeys.user(userId))),
  )
  const gatewayIds = hashes.map((hash) => readUserConnections(hash as Record<string, string>).gatewayIds)
  const dead = await leases.deadAmong(gatewayIds.flatMap((ids) => [...ids]))
  const results = await redis.pipeline((pipeline) =>
    due.forEach(({ userId, claim }, index) => {
      const bucket = bucketOf(userId)
      pipeline.evalsha(
        SETTLE.sha,
        4,
        redisKeys.user(userId),
        redisKeys.due(bucket),
        redisKeys.seen(bucket),
        redisKeys.epoch(bucket),
        userId,
        claim,
        epochs.of(bucket) ?? '',
        times.deadGraceMs,
        times.doubtRetryMs,
        KEEP_OFFLINE_MS,
        ...(gatewayIds[index] ?? new Set()).intersection(dead),
      )
    }),
  )
  const transitions = due.flatMap(({ userId, claim }, index) => {
    const [decided, version, at] = results[index] as number[]
    if (decided === undefined || version === undefined || at === undefined) return []
    return [
      { userId, status: decided === 1 ? ('online' as const) : ('offline' as const), version, at: new Date(at), claim },
    ]
  })
  return { transitions, more }
}

async function claimDue(redis: RedisConnection, claimMs: number): Promise<{ due: Due[]; more: boolean }> {
  const claimed = (await redis.pipeline((pipeline) => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      pipeline.evalsha(CLAIM.sha, 1, redisKeys.due(bucket), claimMs, USERS_PER_BUCKET)
    }
  })) as [claim: number, userIds: string[]][]
  return {
    due: claimed.flatMap(([claim, userIds]) => userIds.map((userId) => ({ userId, claim }))),
    more: claimed.some(([, userIds]) => userIds.length === USERS_PER_BUCKET),
  }
}

export async function acknowledge(redis: RedisConnection, transitions: readonly Transition[]): Promise<void> {
  await redis.pipeline((pipeline) => {
    for (const { userId, version, claim } of transitions) {
      const due = redisKeys.due(bucketOf(userId))
      pipeline.evalsha(ANNOUNCED.sha, 2, redisKeys.user(userId), due, userId, version, claim)
    }
  })
}
