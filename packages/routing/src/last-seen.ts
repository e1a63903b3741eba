import { compactId, expandId } from './compact-id.ts'
import { CLAIM_SEEN, FORGET_SEEN } from './presence-scripts.ts'
import { BUCKETS, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

export interface Seen {
  readonly userId: string
  readonly at: Date
}

const USERS_PER_STEP = 1_000

/** Hands over who was last seen when, each user at most once in the interval, and forgets it when `store` has resolved. */
export async function flushSeen(
  redis: RedisConnection,
  everyMs: number,
  store: (seen: readonly Seen[]) => Promise<void>,
): Promise<void> {
  if (!redis.available) return
  const claims = await redis.pipeline((pipeline) => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      pipeline.evalsha(CLAIM_SEEN.sha, 2, redisKeys.seen(bucket), redisKeys.seenFlushed(bucket), everyMs)
    }
  })
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (claims[bucket] !== 1) continue
    for (let full = true; full;) {
      const seen = await readSeen(redis, bucket)
      if (seen.length > 0) await store(seen)
      const forgotten = seen.flatMap(({ userId, at }) => [String(at.getTime()), compactId(userId)])
      await redis.pipeline((pipeline) => pipeline.evalsha(FORGET_SEEN.sha, 1, redisKeys.seen(bucket), ...forgotten))
      full = seen.length === USERS_PER_STEP
    }
  }
}

async function readSeen(redis: RedisConnection, bucket: number): Promise<Seen[]> {
  const read = await redis.client.zrange(redisKeys.seen(bucket), 0, String(USERS_PER_STEP - 1), 'WITHSCORES')
  return read.flatMap((compact, index) =>
    index % 2 === 0 ? [{ userId: expandId(compact), at: new Date(Number(read[index + 1])) }] : [],
  )
}
