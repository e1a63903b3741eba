import { testRedis } from '@parley/testing'
import { expect, test } from 'vitest'
import { startFleet } from './fleet.ts'

const topic = 'c:0198c0de-0000-7000-8000-000000000001'
const other = 'c:0198c0de-0000-7000-8000-000000000002'

test('a sender is told the gateways with interest, and no others', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const [a, b] = [await fleet.gateway(), await fleet.gateway()]
  const sender = await fleet.sender()

  await Promise.all([a.addInterest([topic]), b.addInterest([other])])

  expect(a.announcement.registered).toBe(true)
  expect(await sender.gatewaysOf([topic, other, topic])).toEqual(
    new Map([
      [a.gatewayId, [topic]],
      [b.gatewayId, [other]],
    ]),
  )
  expect(await sender.gatewaysOf(['u:nobody'])).toEqual(new Map())
  expect(await sender.gatewaysOf([])).toEqual(new Map())
})

test('interest is counted: it ends with its last holder, after the delay', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ removalDelayMs: 300 })
  const sender = await fleet.sender()
  await gateway.addInterest([topic])
  await gateway.addInterest([topic])

  gateway.removeInterest([topic])
  gateway.removeInterest([topic])
  expect(await sender.gatewaysOf([topic])).toHaveProperty('size', 1)
  await expect.poll(() => sender.gatewaysOf([topic]), { timeout: 20_000 }).toHaveProperty('size', 0)
  expect(() => gateway.removeInterest([topic])).toThrow(RangeError)
})

test('a sender that starts, or may have missed announcements, says so until every gateway has had the time to announce itself', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const sender = await fleet.sender()
  expect(sender.hasHeardAll).toBe(false)
  await expect.poll(() => sender.hasHeardAll, { timeout: 10_000 }).toBe(true)
  sender.distrust()
  expect(sender.hasHeardAll).toBe(false)
})
