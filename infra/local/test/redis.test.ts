import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { startRedis, type Server } from '@parley/local'
import { temporaryDirectory } from './temporary-directory.ts'

async function withRedis<Result>(server: Server, use: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(server.url)
  try {
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

describe('Redis', () => {
  test('keeps its data over a stop', async () => {
    await using directory = await temporaryDirectory()
    const first = await startRedis({ directory: directory.path, durable: true })
    await withRedis(first, (redis) => redis.set('key', 'kept'))
    await first[Symbol.asyncDispose]()

    await using second = await startRedis({ directory: directory.path, durable: true })
    expect(await withRedis(second, (redis) => redis.get('key'))).toBe('kept')
  })

  test('starts again on the same port when it was killed', async () => {
    await using directory = await temporaryDirectory()
    await using first = await startRedis({ directory: directory.path, durable: true })
    await withRedis(first, async (redis) => {
      await redis.set('key', 'saved')
      await redis.save()
    })
    process.kill(first.pid!, 'SIGKILL')
    expect(await first.ended).toBe('SIGKILL')

    const port = Number(new URL(first.url).port)
    await using second = await startRedis({ directory: directory.path, durable: true, port })
    expect(second.url).toBe(first.url)
    expect(await withRedis(second, (redis) => redis.get('key'))).toBe('saved')
  })

  test('starts in well under a second, keeps nothing when it need not, and listens on the loopback interface only', async () => {
    await using directory = await temporaryDirectory()
    const startedAt = performance.now()
    const first = await startRedis({ directory: directory.path, durable: false })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await withRedis(first, async (redis) => {
      expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1'])
      await redis.set('key', 'gone')
    })
    await first[Symbol.asyncDispose]()

    await using second = await startRedis({ directory: directory.path, durable: false })
    expect(await withRedis(second, (redis) => redis.get('key'))).toBeNull()
  })

  test('says in a sentence that the server of a URL does not answer', async () => {
    const start = startRedis({ directory: '/nowhere', durable: true, url: 'redis://127.0.0.1:1' })
    await expect(start).rejects.toThrow(/^The server of REDIS_URL does not answer as it should: .*ECONNREFUSED/)
  })
})
