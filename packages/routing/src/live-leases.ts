import { redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/** Which gateways hold a lease. An answer of "alive" may be a second old, unless told; "dead" is for ever: no id comes again. */
export interface LiveLeases {
  /** Those of the ids that have no lease. Throws when Redis cannot tell. */
  deadAmong(gatewayIds: Iterable<number>): Promise<Set<number>>
}

const ALIVE_FOR_MS = 1_000
const DEAD_REMEMBERED = 10_000

/** Only to be asked about ids that were found in Redis or announced: their lease was there before. */
export function watchLeases(redis: RedisConnection, aliveForMs = ALIVE_FOR_MS): LiveLeases {
  const aliveUntil = new Map<number, number>()
  const dead = new Set<number>()

  return {
    async deadAmong(gatewayIds) {
      const now = performance.now()
      const asked = new Set(gatewayIds)
      const unsure = [...asked].filter((id) => !dead.has(id) && (aliveUntil.get(id) ?? 0) <= now)
      if (unsure.length > 0) {
        const exists = await redis.pipeline((pipeline) => unsure.forEach((id) => pipeline.exists(redisKeys.lease(id))))
        unsure.forEach((id, index) => {
          if (exists[index] === 1) aliveUntil.set(id, now + aliveForMs)
          else {
            aliveUntil.delete(id)
            dead.add(id)
          }
        })
      }
      const found = asked.intersection(dead)
      // The longest dead are forgotten, to be asked about again should they turn up.
      for (const id of dead) {
        if (dead.size <= DEAD_REMEMBERED) break
        dead.delete(id)
      }
      return found
    },
  }
}
