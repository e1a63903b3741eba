import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, testRedis } from '@parley/testing'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { openGatewayRouting } from '../src/index.ts'
import { redisKeys } from '../src/redis-keys.ts'
import { startHoldingProxy } from './holding-proxy.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

test('what was held up on a lost connection is never done after what came later', async () => {
  await using redis = await testRedis()
  await using proxy = await startHoldingProxy(redis.url)
  const raw = new Redis(redis.url)
  using _ = { [Symbol.dispose]: () => raw.disconnect() }
  await using gateway = await openGatewayRouting({
    url: proxy.url,
    log: silentLog,
    removalDelayMs: 20,
    registrationJitterMs: 10,
  })
  await gateway.addInterest(['c:a'])
  await gateway.addConnection({ connectionId: 'before', userId: 'ann' })

  // The removal, and a connection that comes and goes, are said on a connection that breaks.
  proxy.hold()
  gateway.removeInterest(['c:a'])
  const joining = gateway.addConnection({ connectionId: 'brief', userId: 'ann' })
  await delay(100)
  proxy.cut()
  await joining
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(false)
  await gateway.addInterest(['c:a'])
  await gateway.removeConnection('brief', 'ann', 'closed')
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)

  await proxy.release()
  expect(await raw.smembers(redisKeys.topic('c:a'))).toEqual([String(gateway.gatewayId)])
  expect((await raw.hkeys(redisKeys.user('ann'))).filter((field) => !field.startsWith('#'))).toEqual(['before'])
})

test('who adds a topic that another is adding waits as well, until senders can know', async () => {
  await using redis = await testRedis()
  await using proxy = await startHoldingProxy(redis.url)
  await using gateway = await openGatewayRouting({ url: proxy.url, log: silentLog })
  proxy.hold()
  const registeredWhenDone = Array.from({ length: 2 }, async () => {
    await gateway.addInterest(['c:a'])
    return gateway.announcement.registered
  })
  expect(await Promise.all(registeredWhenDone)).toEqual([false, false])
})

test('a gateway whose scripts were flushed from Redis registers again', async () => {
  await using redis = await testRedis()
  const raw = new Redis(redis.url)
  using _ = { [Symbol.dispose]: () => raw.disconnect() }
  await using gateway = await openGatewayRouting({ url: redis.url, log: silentLog, registrationJitterMs: 10 })
  await raw.script('FLUSH')
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
  expect(await raw.hexists(redisKeys.user('ann'), 'k')).toBe(1)
})
