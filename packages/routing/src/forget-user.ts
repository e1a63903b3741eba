import { compactId } from './compact-id.ts'
import { bucketOf, redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'
import { isShown } from './transition.ts'
import { readUserHash } from './user-hash.ts'

/** `present`: they are connected, or it was not announced yet that they have gone. */
export type Forgotten = 'forgotten' | 'present'

const userEntries = (userId: string) => {
  const bucket = bucketOf(userId)
  return { hash: redisKeys.user(userId), due: redisKeys.due(bucket), seen: redisKeys.seen(bucket) }
}

/** Removes whatever Redis has of a user, once they have gone and others were told so. Throws while Redis is away. */
export async function forgetUser(redis: RedisConnection, userId: string): Promise<Forgotten> {
  if (!redis.available) throw new Error('redis is away')
  const { hash, due, seen } = userEntries(userId)
  const [read] = await redis.pipeline((pipeline) => pipeline.hgetall(hash))
  const { connections, decided = 'offline' } = readUserHash(read as Record<string, string>, redis.run)
  if (connections.length > 0 || isShown(decided)) return 'present'
  await redis.pipeline((pipeline) => {
    pipeline.del(hash)
    pipeline.zrem(due, compactId(userId))
    pipeline.zrem(seen, compactId(userId))
  })
  return 'forgotten'
}

/** Those of the users of whom Redis has something. */
export async function findKnownUsers(redis: RedisConnection, userIds: readonly string[]): Promise<string[]> {
  if (!redis.available) throw new Error('redis is away')
  if (userIds.length === 0) return []
  const answers = await redis.pipeline((pipeline) => {
    for (const userId of userIds) {
      const { hash, due, seen } = userEntries(userId)
      pipeline.exists(hash)
      pipeline.zscore(due, compactId(userId))
      pipeline.zscore(seen, compactId(userId))
    }
  })
  return userIds.filter((_, index) => {
    const [exists, due, seen] = answers.slice(index * 3, index * 3 + 3)
    return exists === 1 || due !== null || seen !== null
  })
}
