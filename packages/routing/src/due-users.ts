import { compactId, expandId } from './compact-id.ts'
import type { LiveLeases } from './live-leases.ts'
import { ANNOUNCED, CLAIM, SETTLE } from './presence-scripts.ts'
import { bucketOf, BUCKETS, redisKeys } from './redis-keys.ts'
import { timeMs } from './redis-time.ts'
import type { RedisConnection } from './redis.ts'
import type { StatusLoader } from './status-loading.ts'
import { readTransition, type Transition } from './transition.ts'
import { readUserHash } from './user-hash.ts'
import type { WholeEpochs } from './whole-epochs.ts'

export interface SettleTimes {
  /** Longer than it takes to announce what was claimed. */
  readonly claimMs: number
  /** For how long the users of a dead gateway are forgiven, from when it is noticed. */
  readonly deadGraceMs: number
  /** When to look again at a user of whom it can not be told whether they are offline, or what they have chosen. */
  readonly doubtRetryMs: number
}

const USERS_PER_BUCKET = 50
/** Longer than it takes to store when they were last seen. */
const KEEP_OFFLINE_MS = 10 * 60_000

interface Due {
  readonly userId: string
  readonly claim: number
}

export async function settleDue(using: {
  redis: RedisConnection
  leases: LiveLeases
  epochs: WholeEpochs
  times: SettleTimes
  statuses: StatusLoader
}): Promise<{ transitions: Transition[]; more: boolean }> {
  const { redis, leases, epochs, times, statuses } = using
  if (!redis.available) return { transitions: [], more: false }
  const { due, more } = await claimDue(redis, times.claimMs)
  if (due.length === 0) return { transitions: [], more }
  const hashes = await redis.pipeline((pipeline) =>
    due.forEach(({ userId }) => pipeline.hgetall(redisKeys.user(userId))),
  )
  const users = hashes.map((hash) => readUserHash(hash as Record<string, string>, redis.run))
  // Of those who are not loaded in time nothing will be decided.
  await statuses.load(due.filter((_, index) => users[index]?.chosen === undefined).map(({ userId }) => userId))
  const gatewayIds = users.map(({ connections }) => new Set(connections.map(({ gatewayId }) => gatewayId)))
  const dead = await leases.deadAmong(gatewayIds.flatMap((ids) => [...ids]))
  const answers = await redis.pipeline((pipeline) =>
    due.forEach(({ userId, claim }, index) => {
      const bucket = bucketOf(userId)
      pipeline.evalsha(
        SETTLE.sha,
        4,
        redisKeys.user(userId),
        redisKeys.due(bucket),
        redisKeys.seen(bucket),
        redisKeys.epoch(bucket),
        compactId(userId),
        claim,
        redis.run,
        epochs.of(bucket) ?? '',
        times.deadGraceMs,
        times.doubtRetryMs,
        KEEP_OFFLINE_MS,
        ...(gatewayIds[index] ?? new Set()).intersection(dead),
      )
    }),
  )
  const transitions = due.map((user, index) => readTransition(user, answers[index] as (string | number)[]))
  return { transitions: transitions.filter((transition) => transition !== undefined), more }
}

async function claimDue(redis: RedisConnection, claimMs: number): Promise<{ due: Due[]; more: boolean }> {
  const claimed = (await redis.pipeline((pipeline) => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      pipeline.evalsha(CLAIM.sha, 1, redisKeys.due(bucket), claimMs, USERS_PER_BUCKET)
    }
  })) as [claim: number, compactIds: string[]][]
  return {
    due: claimed.flatMap(([claim, compactIds]) => compactIds.map((id) => ({ userId: expandId(id), claim }))),
    more: claimed.some(([, compactIds]) => compactIds.length === USERS_PER_BUCKET),
  }
}

export async function acknowledge(redis: RedisConnection, transitions: readonly Transition[]): Promise<void> {
  await redis.pipeline((pipeline) => {
    for (const { userId, version, claim } of transitions) {
      const due = redisKeys.due(bucketOf(userId))
      pipeline.evalsha(ANNOUNCED.sha, 2, redisKeys.user(userId), due, compactId(userId), version, claim)
    }
  })
}

/** How many users wait to be looked at, and since when the first of them does. */
export async function measureDue(redis: RedisConnection): Promise<{ waiting: number; oldestAgeMs: number }> {
  const [time, ...results] = await redis.pipeline((pipeline) => {
    pipeline.time()
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      pipeline.zrange(redisKeys.due(bucket), 0, '0', 'WITHSCORES')
    }
  })
  const nowMs = timeMs(time)
  const firsts = (results as string[][]).flatMap(([, score]) => (score === undefined ? [] : [Number(score)]))
  const counts = await redis.pipeline((pipeline) => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) pipeline.zcount(redisKeys.due(bucket), '-inf', nowMs)
  })
  return {
    waiting: (counts as number[]).reduce((sum, count) => sum + count, 0),
    oldestAgeMs: Math.max(0, nowMs - Math.min(nowMs, ...firsts)),
  }
}
