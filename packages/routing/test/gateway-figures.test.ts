import { testRedis } from '@parley/testing'
import { expect, test } from 'vitest'
import { startFleet } from './fleet.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

test('a gateway can be watched, and goes on without Redis', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  expect(gateway.figures).toEqual({
    topics: 0,
    connections: 0,
    registered: true,
    leasesTaken: 1,
    renewals: expect.any(Number) as number,
    doubts: 0,
  })
  await gateway.addInterest(['c:a', 'c:b'])
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  await gateway.addConnection({ connectionId: 'l', userId: 'ann' })
  await gateway.removeConnection('l', 'ann', 'closed')
  expect(gateway.figures).toMatchObject({ topics: 2, connections: 1 })
  await expect.poll(() => gateway.figures.renewals, PATIENCE).toBeGreaterThan(1)

  await redis.kill()
  await gateway.setIdle('k', 'ann', true)
  expect(await gateway.addConnection({ connectionId: 'm', userId: 'ann' })).toEqual({ beyond: [], isIdle: false })
  await expect.poll(() => gateway.figures, PATIENCE).toMatchObject({ registered: false, connections: 2 })
  expect(gateway.figures.doubts).toBeGreaterThan(0)
  await redis.restart()
  await expect.poll(() => gateway.figures, PATIENCE).toMatchObject({ registered: true, leasesTaken: 2 })
})
