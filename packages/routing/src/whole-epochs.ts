import type { AnnouncedGateways } from './announced-gateways.ts'
import { epochOfBucket } from './epochs.ts'
import { BUCKETS, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/**
 * Whether Redis holds the connections of all gateways, so that absence from it means something: true for a bucket while its
 * epoch is the one given here.
 */
export interface WholeEpochs {
  /** Nothing in doubt; `*` for any epoch, if there is no gateway. */
  of(bucket: number): string | undefined
  /** Whether nothing is in doubt anywhere, nor was since the last look. Throws when Redis cannot tell. */
  look(): Promise<boolean>
  /** What was heard so far may be out of date. */
  distrust(): void
}

export function watchEpochs(redis: RedisConnection, announced: AnnouncedGateways, settlingMs: number): WholeEpochs {
  let settledAt = performance.now() + settlingMs
  // What a restarted Redis has brought back may be older than its epoch.
  redis.onAvailable(settle)

  function settle(): void {
    settledAt = performance.now() + settlingMs
  }

  /** What they stood at when last looked at. */
  let looked: string | undefined

  function of(bucket: number): string | undefined {
    if (performance.now() < settledAt) return undefined
    const gateways = announced.all()
    if (gateways.length === 0) return '*'
    const registered = announced.registered(Infinity)
    const epochs = new Set(gateways.map((gatewayId) => registered.get(gatewayId)))
    const [same] = epochs
    return epochs.size === 1 && same !== undefined ? epochOfBucket(same, bucket) : undefined
  }

  return {
    of,
    async look() {
      const epochs = await redis.pipeline((pipeline) => {
        for (let bucket = 0; bucket < BUCKETS; bucket++) pipeline.get(redisKeys.epoch(bucket))
      })
      const before = looked
      looked = epochs.join()
      if (looked !== before) return false
      return epochs.every((epoch, bucket) => {
        const expected = of(bucket)
        return epoch !== null && (expected === '*' || expected === epoch)
      })
    },
    distrust() {
      announced.distrust()
      settle()
    },
  }
}
