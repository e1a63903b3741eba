import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { BusError } from '@parley/bus'
import { testPostgres } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { commandRedis } from './command-redis.ts'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 90_000 })
const PATIENCE = { timeout: 25_000, interval: 20 }

/** Every way in which somebody could have heard that the user is there, from some moment on. */
function showings(world: World, userId: string): string[] {
  const told = [...world.noticedOf(userId), ...world.heard.filter((event) => event.userId === userId)]
  return told.map(({ status }) => status).filter((status) => status !== 'invisible' && status !== 'offline')
}

/** Nobody is in doubt any more. */
async function settled(world: World): Promise<void> {
  await expect.poll(() => world.statusOf(randomUUID()), PATIENCE).toBe('offline')
}

test('an invisible user is never announced as there: neither after a loss of Redis, nor at a start, nor on another gateway', async () => {
  await using world = await startWorld()
  let presence = await world.start()
  const gateway = await world.gateway()
  const users = Array.from({ length: 30 }, () => randomUUID())
  for (const userId of users) await world.set(userId, { status: 'invisible' })
  for (const userId of users) await gateway.connect(userId)
  const invisible = async () => (await world.ask(users)).every(({ status }) => status === 'invisible')
  await expect.poll(invisible, PATIENCE).toBe(true)

  await commandRedis(world.redis.url, 'FLUSHALL')
  await settled(world)
  await expect.poll(invisible, PATIENCE).toBe(true)

  await presence[Symbol.asyncDispose]()
  await commandRedis(world.redis.url, 'FLUSHALL')
  const other = await world.gateway()
  for (const userId of users) await other.connect(userId)
  presence = await world.start()
  await settled(world)
  await expect.poll(invisible, PATIENCE).toBe(true)

  await world.redis.restart()
  await settled(world)
  await expect.poll(invisible, PATIENCE).toBe(true)
  await delay(300)
  expect(users.flatMap((userId) => showings(world, userId))).toEqual([])
})

test('what is chosen while Redis is away holds as soon as it is back', async () => {
  await using world = await startWorld()
  await world.start()
  const gateway = await world.gateway()
  const [ann, bob] = [randomUUID(), randomUUID()]
  await gateway.connect(ann)
  await gateway.connect(bob)
  await expect.poll(() => world.said.length, PATIENCE).toBe(2)

  // It stands still with what it knows; what is said to it meanwhile is given up.
  process.kill(world.redis.pid, 'SIGSTOP')
  expect(await world.set(ann, { status: 'invisible' })).toMatchObject({ status: 'invisible' })
  expect(await world.get(ann)).toMatchObject({ status: 'invisible' })
  process.kill(world.redis.pid, 'SIGCONT')
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])

  await world.redis.kill()
  expect(await world.set(bob, { status: 'busy' })).toMatchObject({ status: 'busy' })
  await world.redis.restart()
  await expect.poll(() => world.said.findLast(({ userId }) => userId === bob)?.status, PATIENCE).toBe('busy')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('invisible')
  expect(world.saidOf(bob)).not.toContain('offline')
  expect(showings(world, ann)).toEqual(['online', 'online'])
})

test('while Postgres is away nothing is chosen, and nobody is announced whose choice is not known', async () => {
  await using postgres = await testPostgres()
  await using world = await startWorld(postgres.url)
  await world.start()
  const gateway = await world.gateway()
  const [ann, bob, cleo] = [randomUUID(), randomUUID(), randomUUID()]
  await world.set(ann, { status: 'invisible' })
  await gateway.connect(ann)
  const phone = await gateway.connect(bob)
  await settled(world)
  await expect.poll(() => world.saidOf(bob), PATIENCE).toEqual(['online'])

  await postgres.kill()
  const unavailable = (error: unknown) => error instanceof BusError && error.code === 'unavailable'
  await expect(world.set(bob, { status: 'busy' })).rejects.toSatisfy(unavailable)
  await expect(world.get(bob)).rejects.toSatisfy(unavailable)
  // Who is known goes on.
  await gateway.setIdle(bob, phone, true)
  await expect.poll(() => world.saidOf(bob), PATIENCE).toEqual(['online', 'away'])
  await gateway.connect(cleo)
  await delay(500)
  expect(world.saidOf(cleo)).toEqual([])
  expect((await world.ask([cleo, bob])).map(({ status }) => status).toSorted()).toEqual(['away', 'unknown'])

  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect
    .poll(async () => (await world.ask([ann, bob])).map(({ status }) => status), PATIENCE)
    .toEqual(['unknown', 'unknown'])
  await delay(2_000)
  expect(new Set((await world.ask([ann, bob])).map(({ status }) => status))).toEqual(new Set(['unknown']))

  await postgres.restart()
  await expect.poll(() => world.saidOf(cleo), PATIENCE).toEqual(['online'])
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('invisible')
  await expect.poll(() => world.statusOf(bob), PATIENCE).toBe('away')
  expect(showings(world, ann)).toEqual([])
})
