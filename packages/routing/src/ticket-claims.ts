import { redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/** The first connection gets it, and everyone is told which that was. Throws when Redis cannot tell. */
export async function claimTicket(
  redis: RedisConnection,
  ticketId: string,
  connectionId: string,
  forMs: number,
): Promise<string> {
  const key = redisKeys.ticket(ticketId)
  const [, holder] = await redis.pipeline((pipeline) => {
    pipeline.set(key, connectionId, 'PX', Math.ceil(forMs), 'NX')
    pipeline.get(key)
  })
  return typeof holder === 'string' ? holder : connectionId
}
