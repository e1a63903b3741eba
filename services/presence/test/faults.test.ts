import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { commandRedis } from './command-redis.ts'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 25_000, interval: 20 }

/** Every status that these users were seen in until the returned function is called, which looks one last time. */
function watch(world: World, userIds: readonly string[]): () => Promise<Set<string>> {
  const seen = new Set<string>()
  let watching = true
  const done = (async () => {
    for (let last = false; !last; await delay(10)) {
      last = !watching
      for (const { status } of await world.ask(userIds)) seen.add(status)
    }
  })()
  return async () => {
    watching = false
    await done
    return seen
  }
}

test('two instances say everything once', async () => {
  await using world = await startWorld()
  await Promise.all([world.start(), world.start()])
  const gateway = await world.gateway()
  const users = Array.from({ length: 300 }, () => randomUUID())
  const connections = await Promise.all(users.map(async (userId) => ({ userId, id: await gateway.connect(userId) })))
  await expect.poll(() => world.said.length, PATIENCE).toBe(300)
  await Promise.all(connections.map(({ userId, id }) => gateway.disconnect(userId, id, 'closed')))
  await expect.poll(() => world.said.length, PATIENCE).toBe(600)
  for (const userId of users) expect(world.saidOf(userId)).toEqual(['online', 'offline'])
  expect(await world.storedEvents()).toBe(600)
})

test('what happens while no instance runs is said by the next one', async () => {
  await using world = await startWorld()
  const gateway = await world.gateway()
  const ann = randomUUID()
  const connectionId = await gateway.connect(ann)
  {
    await using _presence = await world.start()
    await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  }
  await gateway.disconnect(ann, connectionId, 'closed')
  await world.start()
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
})

test('what happens while NATS is away is said when it is back', async () => {
  await using world = await startWorld()
  await world.start()
  const gateway = await world.gateway()
  const [ann, bob] = [randomUUID(), randomUUID()]
  await gateway.connect(bob)
  await expect.poll(() => world.saidOf(bob), PATIENCE).toEqual(['online'])
  await world.nats.kill()
  await gateway.connect(ann)
  await delay(300)
  await world.nats.restart()
  // An announcement that failed is tried again when its claim of 10 s has ended.
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  expect(await world.statusOf(ann)).toBe('online')
})

test('nobody is called offline while gateways may not all have been heard', async () => {
  await using world = await startWorld()
  const gateway = await world.gateway()
  const [ann, bob] = [randomUUID(), randomUUID()]
  await gateway.connect(ann)
  await world.start()
  const seen = watch(world, [bob])
  expect(await world.statusOf(ann)).toBe('online')
  await expect.poll(() => world.statusOf(bob), PATIENCE).toBe('offline')
  expect(await seen()).toEqual(new Set(['unknown', 'offline']))
})

test('after Redis was emptied users are unknown until their gateways have registered again, and never offline', async () => {
  await using world = await startWorld()
  await world.start()
  const gateways = [await world.gateway(), await world.gateway()]
  const users = Array.from({ length: 40 }, () => randomUUID())
  const connections = await Promise.all(users.map((userId, index) => gateways[index % 2]!.connect(userId)))
  const stranger = randomUUID()
  await expect.poll(() => world.said.length, PATIENCE).toBe(40)
  await expect.poll(() => world.statusOf(stranger), PATIENCE).toBe('offline')

  for (let round = 0; round < 2; round++) {
    const seenOfUsers = watch(world, users.slice(1))
    const seenOfStranger = watch(world, [stranger])
    await commandRedis(world.redis.url, 'FLUSHALL')
    await expect.poll(() => world.statusOf(stranger), PATIENCE).toBe('unknown')
    // One leaves before the gateways have noticed.
    if (round === 0) await gateways[0]!.disconnect(users[0]!, connections[0]!, 'closed')
    await expect
      .poll(async () => (await world.ask(users.slice(1))).every(({ status }) => status === 'online'), PATIENCE)
      .toBe(true)
    await expect.poll(() => world.statusOf(stranger), PATIENCE).toBe('offline')
    expect(await seenOfUsers()).toEqual(new Set(['online', 'unknown']))
    expect(await seenOfStranger()).toEqual(new Set(['offline', 'unknown']))
  }

  await expect.poll(() => world.saidOf(users[0]!).at(-1), PATIENCE).toBe('offline')
  await expect.poll(() => world.statusOf(users[0]!), PATIENCE).toBe('offline')
  for (const userId of users.slice(1)) expect(world.saidOf(userId)).not.toContain('offline')
  for (const userId of users) {
    const versions = world.said.filter((event) => event.userId === userId).map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
  }
})

test('while Redis is away everybody is unknown, and nobody is said to have gone', async () => {
  await using world = await startWorld()
  const { port } = await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status
  expect(await ready()).toBe(200)

  await world.redis.kill()
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('unknown')
  expect(await ready()).toBe(503)
  // Longer than the lease and the grace of a dead gateway.
  await delay(4_500)
  const seen = watch(world, [ann])
  await world.redis.restart()
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('online')
  await delay(1_000)
  expect(await seen()).toEqual(new Set(['online', 'unknown']))
  expect(world.saidOf(ann)).not.toContain('offline')
  expect(await ready()).toBe(200)
})
