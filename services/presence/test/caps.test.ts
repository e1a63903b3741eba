import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { commandRedis } from './command-redis.ts'
import { startWorld } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

test('the oldest connections beyond the cap are named to the gateway of the newest, wherever they are, until they are gone', async () => {
  await using world = await startWorld()
  const [one, other] = [await world.gateway(), await world.gateway()]
  const ann = randomUUID()
  const first = await one.connect(ann)
  const second = await other.connect(ann)
  await one.connect(ann)
  await one.connect(randomUUID())
  expect([...one.beyond, ...other.beyond]).toEqual([])

  await other.connect(ann)
  expect(other.beyond).toEqual([{ gatewayId: expect.any(Number) as number, connectionId: first }])
  // Who was told did not close it: the next one is told again.
  await one.connect(ann)
  const named = one.beyond.map(({ connectionId }) => connectionId)
  expect(named).toEqual([first, second])
  expect(new Set(one.beyond.map(({ gatewayId }) => gatewayId)).size).toBe(2)
  expect(other.beyond[0]).toEqual(one.beyond[0])

  await one.disconnect(ann, first, 'closed')
  await other.disconnect(ann, second, 'closed')
  await other.disconnect(ann, await other.connect(ann), 'closed')
  expect(other.beyond).toHaveLength(2)
})

test('connections keep their age when Redis has lost them', async () => {
  await using world = await startWorld()
  await world.start()
  const [one, other] = [await world.gateway(), await world.gateway()]
  const ann = randomUUID()
  const first = await other.connect(ann)
  await one.connect(ann)
  await other.connect(ann)
  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('unknown')
  await expect.poll(() => world.statusOf(randomUUID()), PATIENCE).toBe('offline')
  await one.connect(ann)
  expect(one.beyond.map(({ connectionId }) => connectionId)).toEqual([first])
})
