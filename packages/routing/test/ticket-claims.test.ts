import { testRedis } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 30_000 })

test('a ticket belongs to the connection that claims it first, whichever gateway it asks', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const [one, other] = [await fleet.gateway(), await fleet.gateway()]
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).claimTicket('t', `c${index}`, 60_000)),
  )
  expect(new Set(claims).size).toBe(1)
  expect(await one.claimTicket('t', 'late', 60_000)).toBe(claims[0])
  expect(await other.claimTicket('another', 'late', 60_000)).toBe('late')
})

test('whose a ticket is, nobody can tell while Redis is away', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await redis.kill()
  expect(await gateway.claimTicket('t', 'c', 60_000)).toBeUndefined()
})
