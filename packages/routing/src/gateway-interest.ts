import { inChunks } from './in-chunks.ts'
import { redisKeys } from './redis-keys.ts'
import type { RedisConnection } from './redis.ts'

/**
 * The topics a gateway cares about, counted, and their copy in Redis. A topic stays in the map with a count of 0 until it is
 * removed from Redis: whatever is in the map is in Redis too, or on its way there, or the gateway is not registered.
 */
export interface GatewayInterest {
  /** How many topics there are. */
  readonly size: number
  /** Counts; answers with the topics that were not there. */
  count(topics: readonly string[]): string[]
  uncount(topics: readonly string[]): void
  /** Resolves when Redis has these topics. */
  add(gatewayId: number, topics: readonly string[]): Promise<void>
  /** Resolves when Redis has what others have begun to add of these topics. */
  added(topics: readonly string[]): Promise<void>
  /** Removes from Redis what nobody has cared about for the whole delay. */
  removeIdle(gatewayId: number): Promise<void>
  /** Adds everything there is, in steps. */
  addAll(gatewayId: number): Generator<Promise<void>>
  /** At the end: takes all of it out of Redis. */
  removeAll(gatewayId: number): Promise<void>
}

const CHUNK = 500

export function countInterest(redis: RedisConnection, removalDelayMs: number): GatewayInterest {
  const counts = new Map<string, number>()
  /** In the order of their time. */
  const idleUntil = new Map<string, number>()
  const adding = new Map<string, Promise<void>>()

  async function send(command: 'sadd' | 'srem', gatewayId: number, topics: readonly string[]): Promise<void> {
    await redis.pipeline((pipeline) => topics.forEach((topic) => pipeline[command](redisKeys.topic(topic), gatewayId)))
  }

  return {
    get size() {
      return counts.size
    },
    count(topics) {
      const fresh: string[] = []
      for (const topic of topics) {
        const count = counts.get(topic)
        counts.set(topic, (count ?? 0) + 1)
        if (count === undefined) fresh.push(topic)
        else if (count === 0) idleUntil.delete(topic)
      }
      return fresh
    },
    uncount(topics) {
      const until = performance.now() + removalDelayMs
      for (const topic of topics) {
        const count = counts.get(topic) ?? 0
        if (count === 0) throw new RangeError(`${topic} is not an interest of this gateway`)
        counts.set(topic, count - 1)
        if (count === 1) idleUntil.set(topic, until)
      }
    },
    add(gatewayId, topics) {
      const sent = send('sadd', gatewayId, topics).finally(() => {
        for (const topic of topics) if (adding.get(topic) === sent) adding.delete(topic)
      })
      for (const topic of topics) adding.set(topic, sent)
      return sent
    },
    async added(topics) {
      await Promise.all(new Set(topics.map((topic) => adding.get(topic)).filter((sent) => sent !== undefined)))
    },
    async removeIdle(gatewayId) {
      const now = performance.now()
      const idle: string[] = []
      for (const [topic, until] of idleUntil) {
        if (until > now) break
        idle.push(topic)
      }
      for (const chunk of inChunks(idle, CHUNK)) {
        // Some may be cared about again since the chunk before was sent.
        const topics = chunk.filter((topic) => counts.get(topic) === 0 && (idleUntil.get(topic) ?? Infinity) <= now)
        for (const topic of topics) {
          counts.delete(topic)
          idleUntil.delete(topic)
        }
        try {
          await send('srem', gatewayId, topics)
        } catch (error) {
          // Whether they are still in Redis is not known: to be removed again.
          for (const topic of topics) {
            if (counts.has(topic)) continue
            counts.set(topic, 0)
            idleUntil.set(topic, now)
          }
          throw error
        }
      }
    },
    *addAll(gatewayId) {
      for (const chunk of inChunks(counts.keys(), CHUNK)) yield send('sadd', gatewayId, chunk)
    },
    async removeAll(gatewayId) {
      for (const chunk of inChunks(counts.keys(), CHUNK)) await send('srem', gatewayId, chunk)
    },
  }
}
