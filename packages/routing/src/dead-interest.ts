import { randomUUID } from 'node:crypto'
import { watchLeases } from './live-leases.ts'
import { redisKeys } from './redis-keys.ts'
import { NOW, script } from './redis-script.ts'
import type { RedisConnection } from './redis.ts'

/** How long an instance that works may not come before another takes over. */
const CLAIM_MS = 5_000
/** Keys looked at in one go, and goes in one step: of each second Redis works about 25 ms for it, never more than 3 at a time. */
const KEYS_PER_SCAN = 500
const SCANS_PER_STEP = 10

/**
 * The right to do the next step. Cursors mean nothing to another run of Redis: there the round begins anew.
 * KEYS state. ARGV holder, claimMs, run. Answers with the cursor, or nothing if there is nothing to do, or somebody does it.
 */
export const CLAIM_INTEREST = script(`${NOW}
local holder, ends, wanted, cursor, run =
  unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'wanted', 'cursor', 'run'))
if not wanted and not cursor then return end
if holder and holder ~= ARGV[1] and tonumber(ends) > now then return end
if not cursor or run ~= ARGV[3] then
  cursor = '0'
  redis.call('HDEL', KEYS[1], 'wanted')
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + ARGV[2], 'cursor', cursor, 'run', ARGV[3])
return cursor
`)

/** The keys before the cursor are done. KEYS state. ARGV holder, cursor. Answers 1 if it is still the holder's to go on. */
export const ADVANCE_INTEREST = script(`
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], 'holder', 'until', 'cursor', 'run')
  return 0
end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2])
return 1
`)

/** A gateway is dead: its id may stand anywhere. To be called before it is forgotten that it was there. */
export async function wantRound(redis: RedisConnection): Promise<void> {
  await redis.client.hset(redisKeys.deadInterest, 'wanted', 1)
}

/**
 * Takes the ids of dead gateways out of the sets of topics. Senders do that too, but only in the topics they send to. A round
 * goes slowly through all keys and begins when a gateway was found dead since the last one. Of all instances one works; another
 * goes on where it was if it does not come again in time.
 * What is returned does one step: to be called about once a second. Answers with how many entries were taken out.
 */
export function searchDeadInterest(redis: RedisConnection, claimMs = CLAIM_MS): () => Promise<number> {
  const holder = randomUUID()
  // Whoever is found dead before a round begins is dead in all of it: no answer may be from before.
  const leases = watchLeases(redis, 0)

  async function claim(): Promise<string | undefined> {
    const [cursor] = await redis.pipeline((pipeline) =>
      pipeline.evalsha(CLAIM_INTEREST.sha, 1, redisKeys.deadInterest, holder, claimMs, redis.run),
    )
    return typeof cursor === 'string' ? cursor : undefined
  }

  async function advance(cursor: string): Promise<boolean> {
    const [mine] = await redis.pipeline((pipeline) =>
      pipeline.evalsha(ADVANCE_INTEREST.sha, 1, redisKeys.deadInterest, holder, cursor),
    )
    return mine === 1
  }

  /** An id is in a set only after its lease was taken, or will never have one: who has none is dead. */
  async function forgetIn(topics: readonly string[]): Promise<number> {
    const sets = await redis.pipeline((pipeline) => topics.forEach((key) => pipeline.smembers(key)))
    const interested = topics.map((key, index) => ({ key, ids: (sets[index] as string[]).map(Number) }))
    const dead = await leases.deadAmong(interested.flatMap(({ ids }) => ids))
    const gone = interested
      .map(({ key, ids }) => ({ key, ids: ids.filter((id) => dead.has(id)) }))
      .filter(({ ids }) => ids.length > 0)
    const counts = await redis.pipeline((pipeline) => gone.forEach(({ key, ids }) => pipeline.srem(key, ...ids)))
    return (counts as number[]).reduce((sum, count) => sum + count, 0)
  }

  return async () => {
    if (!redis.available) return 0
    let cursor = await claim()
    let forgotten = 0
    for (let scans = 0; cursor !== undefined && scans < SCANS_PER_STEP; scans++) {
      // Of a Redis Cluster this is one node: each needs a cursor of its own.
      const [next, keys] = await redis.client.scan(cursor, 'MATCH', redisKeys.anyTopic, 'COUNT', KEYS_PER_SCAN)
      forgotten += await forgetIn([...new Set(keys)])
      cursor = (await advance(next)) ? next : undefined
    }
    return forgotten
  }
}
