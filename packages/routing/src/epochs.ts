import { randomBytes } from 'node:crypto'
import { BUCKETS, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/**
 * Each bucket of keys has an epoch: random, made by whoever finds it missing. Another epoch means that the bucket was lost
 * since. All epochs together, in the order of the buckets, are one string.
 */
const EPOCH_LENGTH = 8

export const epochOfBucket = (epochs: string, bucket: number): string =>
  epochs.slice(bucket * EPOCH_LENGTH, (bucket + 1) * EPOCH_LENGTH)

/** The epochs of all buckets; those missing are made. */
export async function readEpochs(redis: RedisConnection): Promise<string> {
  const made = randomBytes(BUCKETS * (EPOCH_LENGTH / 2)).toString('hex')
  const results = await redis.pipeline((pipeline) => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      pipeline.set(redisKeys.epoch(bucket), epochOfBucket(made, bucket), 'NX').get(redisKeys.epoch(bucket))
    }
  })
  return results.filter((_, index) => index % 2 === 1).join('')
}
