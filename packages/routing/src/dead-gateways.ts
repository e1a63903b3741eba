import type { AnnouncedGateways } from './announced-gateways.ts'
import { wantRound } from './dead-interest.ts'
import type { LiveLeases } from './live-leases.ts'
import { SWEEP } from './presence-scripts.ts'
import { BUCKETS, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

const USERS_PER_STEP = 500

/** Finds gateways whose lease has ended and makes their users due. Several may do it at once; what is left is done next time. */
export async function sweepDeadGateways({
  redis,
  leases,
  announced,
}: {
  redis: RedisConnection
  leases: LiveLeases
  announced: AnnouncedGateways
}): Promise<number[]> {
  if (!redis.available) return []
  const gatewayIds = (await redis.client.smembers(redisKeys.gateways)).map(Number)
  const silent = announced.all().filter((gatewayId) => !announced.heardLately(gatewayId))
  const dead = await leases.deadAmong([...gatewayIds, ...silent])
  announced.forget(silent.filter((gatewayId) => dead.has(gatewayId)))
  const left = gatewayIds.filter((gatewayId) => dead.has(gatewayId))
  if (left.length > 0) await wantRound(redis)
  for (const gatewayId of left) {
    await sweep(redis, gatewayId)
    // Last: until then somebody else would begin anew.
    await redis.client.srem(redisKeys.gateways, gatewayId)
  }
  return left
}

async function sweep(redis: RedisConnection, gatewayId: number): Promise<void> {
  for (let full = true; full;) {
    const counts = await redis.pipeline((pipeline) => {
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const gatewayUsers = redisKeys.gatewayUsers(bucket, gatewayId)
        pipeline.evalsha(SWEEP.sha, 2, gatewayUsers, redisKeys.due(bucket), USERS_PER_STEP)
      }
    })
    full = counts.includes(USERS_PER_STEP)
  }
}
