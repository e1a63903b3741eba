import { silentLog, testRedis } from '@parley/testing'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { findAddresses } from '../src/gateway-addresses.ts'
import { openRedis } from '../src/redis.ts'
import { redisKeys } from '../src/redis-keys.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 30_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

test('a gateway is found by others where it said that it is, and by ids it had before a lapse as well', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const [gateway, other] = [await fleet.gateway(), await fleet.gateway()]
  expect(await other.addressOf(gateway.gatewayId)).toBeUndefined()

  await gateway.reachableAt('http://10.0.0.1:8080')
  expect(await other.addressOf(gateway.gatewayId)).toBe('http://10.0.0.1:8080')
  expect(await other.addressOf(4_503_599_627_370_497)).toBeUndefined()

  const before = gateway.gatewayId
  const raw = new Redis(redis.url)
  using _ = { [Symbol.dispose]: () => raw.disconnect() }
  await raw.del(redisKeys.lease(before))
  await expect.poll(() => gateway.gatewayId, PATIENCE).not.toBe(before)
  expect(await other.addressOf(before)).toBe('http://10.0.0.1:8080')
  expect(await other.addressOf(gateway.gatewayId)).toBe('http://10.0.0.1:8080')
  expect([before, gateway.gatewayId].map((gatewayId) => gateway.isSelf(gatewayId))).toEqual([true, true])
  expect(gateway.isSelf(other.gatewayId)).toBe(false)
})

test('while Redis is away, a gateway is found where it was last known to be', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const [gateway, other] = [await fleet.gateway(), await fleet.gateway()]
  await gateway.reachableAt('http://10.0.0.1:8080')
  expect(await other.addressOf(gateway.gatewayId)).toBe('http://10.0.0.1:8080')
  await redis.kill()
  await expect.poll(() => other.announcement.registered, PATIENCE).toBe(false)
  expect(await other.addressOf(gateway.gatewayId)).toBe('http://10.0.0.1:8080')
  expect(await other.addressOf(other.gatewayId)).toBeUndefined()
})

test('an address that is told while Redis is away is found when it is back', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const [gateway, other] = [await fleet.gateway(), await fleet.gateway()]
  await redis.kill()
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(false)
  await gateway.reachableAt('http://10.0.0.1:8080')
  await redis.restart()
  await expect.poll(() => other.addressOf(gateway.gatewayId), PATIENCE).toBe('http://10.0.0.1:8080')
})

test('an address that nothing confirms is forgotten, and no more than 1,000 are kept', async () => {
  await using redis = await testRedis()
  await using connection = await openRedis({ url: redis.url, name: 'test', log: silentLog })
  const { client } = connection
  const idOf = (index: number) => 4_000_000_000_000_000 + index

  const brief = findAddresses(connection, 50)
  await client.set(redisKeys.lease(idOf(0)), 'http://gone')
  expect(await brief.of(idOf(0))).toBe('http://gone')
  await client.del(redisKeys.lease(idOf(0)))
  expect(await brief.of(idOf(0))).toBe('http://gone')
  await expect.poll(() => brief.of(idOf(0)), PATIENCE).toBeUndefined()

  const many = findAddresses(connection)
  await Promise.all(Array.from({ length: 1_001 }, (_, index) => client.set(redisKeys.lease(idOf(index)), 'http://x')))
  for (let index = 0; index <= 1_000; index++) await many.of(idOf(index))
  await client.flushall()
  expect(await many.of(idOf(0))).toBeUndefined()
  expect(await many.of(idOf(1))).toBe('http://x')
})
