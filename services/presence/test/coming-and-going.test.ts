import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { GRACE_MS } from './test-gateway.ts'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

/** When it was decided that the user has gone, by Redis's clock, which is that of this machine. */
const wentAt = (world: World, userId: string): number =>
  Date.parse(world.said.findLast((event) => event.userId === userId && event.what === 'offline')?.at ?? '')

test('a user is online with the first connection, and offline some time after the last was closed', async () => {
  await using world = await startWorld()
  await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  expect(await world.ask([ann])).toMatchObject([
    { userId: ann, status: 'offline', text: null, lastSeenAt: null, visibleTo: 'everyone' },
  ])

  const [phone, laptop] = [await gateway.connect(ann), await gateway.connect(ann)]
  expect(await world.statusOf(ann)).toBe('online')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])

  await gateway.disconnect(ann, phone, 'closed')
  await delay(2 * GRACE_MS.closed)
  expect(await world.statusOf(ann)).toBe('online')

  await gateway.disconnect(ann, laptop, 'closed')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
  const [state] = await world.ask([ann])
  expect(state).toMatchObject({ status: 'offline' })
  // Seen until the connection ended; gone when the grace was over.
  expect(wentAt(world, ann) - Date.parse(state!.lastSeenAt!)).toBeGreaterThanOrEqual(GRACE_MS.closed)
})

test('who loses the connection and is back in time, on another gateway, was never away', async () => {
  await using world = await startWorld()
  await world.start()
  const [one, other] = [await world.gateway(), await world.gateway()]
  const [ann, bob] = [randomUUID(), randomUUID()]
  const lost = await one.connect(ann)
  const alsoLost = await one.connect(bob)
  await expect.poll(() => world.said.length, PATIENCE).toBe(2)

  await one.disconnect(ann, lost, 'lost')
  await one.disconnect(bob, alsoLost, 'lost')
  await other.connect(ann)

  await expect.poll(() => world.saidOf(bob), PATIENCE).toEqual(['online', 'offline'])
  await delay(300)
  expect(world.saidOf(ann)).toEqual(['online'])
})

test('a long grace is not cut short by a short one of another device', async () => {
  await using world = await startWorld()
  await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  const [phone, laptop] = [await gateway.connect(ann), await gateway.connect(ann)]
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  const lostAt = Date.now()
  await gateway.disconnect(ann, laptop, 'lost')
  await gateway.disconnect(ann, phone, 'closed')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
  expect(wentAt(world, ann) - lostAt).toBeGreaterThanOrEqual(GRACE_MS.lost)
})

test('a rolling restart of all gateways is not noticed', async () => {
  await using world = await startWorld()
  await world.start()
  const users = Array.from({ length: 50 }, () => randomUUID())
  const old = [await world.gateway(), await world.gateway()]
  const places = await Promise.all(
    users.map(async (userId, index) => ({
      userId,
      gateway: old[index % 2]!,
      connectionId: await old[index % 2]!.connect(userId),
    })),
  )
  await expect.poll(() => world.said.length, PATIENCE).toBe(50)
  for (const stopping of old) {
    const fresh = await world.gateway()
    for (const { userId, gateway, connectionId } of places.filter(({ gateway }) => gateway === stopping)) {
      await gateway.disconnect(userId, connectionId, 'drained')
      await fresh.connect(userId)
    }
    await stopping.stop()
  }
  // Beyond every other grace than that of drained connections.
  await delay(1.5 * GRACE_MS.lost)
  expect(world.said.length).toBe(50)
  expect(new Set((await world.ask(users)).map(({ status }) => status))).toEqual(new Set(['online']))
})

test('the users of a killed gateway go offline, except those who are back elsewhere', async () => {
  await using world = await startWorld()
  await world.start()
  const [doomed, other] = [await world.gateway(), await world.gateway()]
  const users = Array.from({ length: 30 }, () => randomUUID())
  for (const userId of users) await doomed.connect(userId)
  await expect.poll(() => world.said.length, PATIENCE).toBe(30)

  await doomed.kill()
  const killedAt = performance.now()
  const [back, ...gone] = users as [string, ...string[]]
  await other.connect(back)
  await expect.poll(() => gone.every((userId) => world.saidOf(userId).length === 2), PATIENCE).toBe(true)
  // Lease 3 s, grace 1 s, and a busy machine.
  expect(performance.now() - killedAt).toBeLessThan(12_000)
  expect(world.saidOf(back)).toEqual(['online'])
  expect(new Set((await world.ask(gone)).map(({ status }) => status))).toEqual(new Set(['offline']))
})

test('a gateway that was stopped for longer than its lease comes back with its users', async () => {
  await using world = await startWorld()
  await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  const connectionId = await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  process.kill(gateway.pid, 'SIGSTOP')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
  process.kill(gateway.pid, 'SIGCONT')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline', 'online'])
  await gateway.disconnect(ann, connectionId, 'closed')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline', 'online', 'offline'])
})
