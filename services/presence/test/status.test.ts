import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Presence } from '../src/service.ts'
import { openPostgres } from '@parley/postgres'
import { silentLog } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import type { Tables } from '../src/store/tables.ts'
import { commandRedis } from './command-redis.ts'
import type { TestGateway } from './test-gateway.ts'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }
const DEFAULT = { status: 'online', text: null, until: null, visibleTo: 'everyone' }
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()

interface Scene extends AsyncDisposable {
  readonly world: World
  readonly presence: Presence
  readonly gateway: TestGateway
  /** A user who is there. */
  readonly ann: string
  readonly phone: string
}

async function startScene(): Promise<Scene> {
  const world = await startWorld()
  const presence = await world.start()
  const gateway = await world.gateway()
  const ann = randomUUID()
  const phone = await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  // Whoever is not there is offline from now on.
  await expect.poll(() => world.statusOf(randomUUID()), PATIENCE).toBe('offline')
  return { world, presence, gateway, ann, phone, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

test('a user who has never chosen is online to everyone; what is not named in a change stays', async () => {
  await using world = await startWorld()
  await world.start()
  const ann = randomUUID()
  expect(await world.get(ann)).toEqual(DEFAULT)
  expect(await world.set(ann, {})).toEqual(DEFAULT)

  const until = inMs(60_000)
  expect(await world.set(ann, { status: 'busy', text: 'in a meeting', until })).toEqual({
    ...DEFAULT,
    status: 'busy',
    text: 'in a meeting',
    until,
  })
  expect(await world.set(ann, { visibleTo: 'contacts' })).toMatchObject({
    status: 'busy',
    until,
    visibleTo: 'contacts',
  })
  expect(await world.set(ann, { status: 'away', text: 'on the train' })).toEqual({
    status: 'busy',
    text: 'on the train',
    until,
    visibleTo: 'contacts',
  })
  // A status named without an end has none.
  const last = { status: 'invisible', text: 'on the train', until: null, visibleTo: 'contacts' }
  expect(await world.set(ann, { status: 'invisible' })).toEqual(last)
  expect(await world.set(ann, { status: 'away' })).toEqual(last)
  expect(await world.get(ann)).toEqual(last)
  expect(await world.set(ann, { status: 'online', text: null, visibleTo: 'everyone' })).toEqual(DEFAULT)
})

test('an end that is past or more than a year ahead, and a text that is too long, are refused', async () => {
  await using world = await startWorld()
  await world.start()
  const ann = randomUUID()
  expect(await world.set(ann, { status: 'busy', until: inMs(-1) })).toBe('invalid_input')
  expect(await world.set(ann, { status: 'busy', until: inMs(366 * 24 * 60 * 60_000) })).toBe('invalid_input')
  await expect(world.set(ann, { text: 'a'.repeat(101) })).rejects.toThrow()
  await expect(world.set(ann, { text: 'two\nlines' })).rejects.toThrow()
  expect(await world.get(ann)).toEqual(DEFAULT)
  expect(await world.set(ann, { text: '🙂'.repeat(100) })).toEqual({ ...DEFAULT, text: '🙂'.repeat(100) })
})

test('choices made at the same time add up, whichever instance takes them', async () => {
  await using world = await startWorld()
  await Promise.all([world.start(), world.start()])
  const ann = randomUUID()
  await Promise.all(
    Array.from({ length: 9 }, (_, index) =>
      world.set(ann, [{ text: 'here' }, { visibleTo: 'nobody' as const }, { status: 'busy' as const }][index % 3]!),
    ),
  )
  expect(await world.get(ann)).toEqual({ status: 'busy', text: 'here', until: null, visibleTo: 'nobody' })
})

test('busy is said as a change of status, until it is ended', async () => {
  await using scene = await startScene()
  const { world, ann } = scene
  await world.set(ann, { status: 'busy', text: 'thinking' })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'busy'])
  expect(world.said.at(-1)).toMatchObject({ status: 'busy', text: 'thinking' })
  expect(await world.ask([ann])).toMatchObject([{ status: 'busy', text: 'thinking', lastSeenAt: null }])
  expect(world.noticedOf(ann).at(-1)).toMatchObject({ status: 'busy', text: 'thinking', visibleTo: 'everyone' })

  await world.set(ann, { text: 'still thinking' })
  await expect.poll(() => world.said.at(-1), PATIENCE).toMatchObject({ status: 'busy', text: 'still thinking' })
  await world.set(ann, { status: 'online', text: null })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'busy', 'busy', 'online'])
  expect(world.heard.filter(({ userId }) => userId === ann).map(({ what }) => what)).toEqual([
    'online',
    'status-changed',
    'status-changed',
    'status-changed',
  ])
})

test('to whom a user is visible is said to gateways only', async () => {
  await using scene = await startScene()
  const { world, ann } = scene
  const [{ version } = { version: 0 }] = await world.ask([ann])
  await world.set(ann, { visibleTo: 'nobody' })
  await expect
    .poll(() => world.noticedOf(ann).at(-1), PATIENCE)
    .toMatchObject({ status: 'online', visibleTo: 'nobody' })
  expect(world.noticedOf(ann).at(-1)!.version).toBeGreaterThan(version)
  expect(await world.ask([ann])).toMatchObject([{ status: 'online', visibleTo: 'nobody' }])
  // Of somebody who is not there as well.
  const bob = randomUUID()
  await world.set(bob, { visibleTo: 'contacts', text: 'gone fishing' })
  await expect
    .poll(() => world.noticedOf(bob).at(-1), PATIENCE)
    .toMatchObject({ status: 'offline', visibleTo: 'contacts', text: 'gone fishing', lastSeenAt: null })
  expect(world.saidOf(ann)).toEqual(['online'])
})

test('a user is away when all devices are idle, and back when one is used or another comes', async () => {
  await using scene = await startScene()
  const { world, gateway, ann, phone } = scene
  const other = await world.gateway()
  const laptop = await other.connect(ann)
  await gateway.setIdle(ann, phone, true)
  await delay(100)
  expect(await world.statusOf(ann)).toBe('online')
  await other.setIdle(ann, laptop, true)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'away'])
  expect(await world.statusOf(ann)).toBe('away')
  await gateway.setIdle(ann, phone, false)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'away', 'online'])
  await gateway.setIdle(ann, phone, true)
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('away')

  // Who chooses to be busy is busy on idle devices too.
  await world.set(ann, { status: 'busy' })
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('busy')
  await world.set(ann, { status: 'online' })
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('away')

  // Redis forgets; the gateways do not.
  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect.poll(() => world.statusOf(randomUUID()), PATIENCE).toBe('unknown')
  await expect.poll(() => world.statusOf(randomUUID()), PATIENCE).toBe('offline')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('away')
  await gateway.connect(ann)
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('online')
})

test('a user who is lost while away or busy is so until the grace is over', async () => {
  await using scene = await startScene()
  const { world, gateway, ann, phone } = scene
  await gateway.setIdle(ann, phone, true)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'away'])
  await gateway.disconnect(ann, phone, 'lost')
  await delay(100)
  expect(await world.statusOf(ann)).toBe('away')
  // A choice counts at once, also from elsewhere.
  await world.set(ann, { status: 'busy' })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'away', 'busy', 'offline'])
})

test('busy ends by itself at its time, also while no instance runs', async () => {
  await using scene = await startScene()
  const { world, ann } = scene
  await world.set(ann, { status: 'busy', text: 'short', until: inMs(1_000) })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'busy', 'online'])
  expect(world.said.at(-1)).toMatchObject({ status: 'online', text: null })
  expect(await world.get(ann)).toEqual(DEFAULT)

  await world.set(ann, { status: 'busy', text: 'again', until: inMs(1_500) })
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('busy')
  await scene.presence[Symbol.asyncDispose]()
  await delay(1_600)
  expect(world.saidOf(ann).at(-1)).toBe('busy')
  await world.start()
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'busy', 'online', 'busy', 'online'])
  // What has ended does not come back with another end.
  expect(await world.set(ann, { until: inMs(60_000) })).toMatchObject({ status: 'online', text: null })
})

test('the text of a user who is not there ends at its time', async () => {
  await using world = await startWorld()
  await world.start()
  await world.gateway()
  const ann = randomUUID()
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  await world.set(ann, { text: 'on holiday', until: inMs(1_000) })
  await expect
    .poll(() => world.noticedOf(ann).at(-1), PATIENCE)
    .toMatchObject({ status: 'offline', text: 'on holiday' })
  await expect.poll(() => world.noticedOf(ann).at(-1), PATIENCE).toMatchObject({ status: 'offline', text: null })
  expect(await world.ask([ann])).toMatchObject([{ status: 'offline', text: null }])
})

test('others see an invisible user go, and no more: neither that they really go, nor when', async () => {
  await using scene = await startScene()
  const { world, gateway, ann, phone } = scene
  await using postgres = openPostgres<Tables>({ url: world.config.postgresUrl, service: 'presence', log: silentLog })
  const stored = async () =>
    (await postgres.db.selectFrom('lastSeen').selectAll().execute())[0]?.lastSeenAt.toISOString()
  const hidAt = Date.now()
  await world.set(ann, { status: 'invisible' })
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online', 'offline'])
  expect(world.said.at(-1)).toMatchObject({ status: 'offline' })
  const [hidden] = await world.ask([ann])
  expect(hidden).toMatchObject({ status: 'invisible' })
  expect(Math.abs(Date.parse(hidden!.lastSeenAt!) - hidAt)).toBeLessThan(2_000)
  await expect.poll(stored, PATIENCE).toBe(hidden!.lastSeenAt)

  await delay(50)
  await gateway.disconnect(ann, phone, 'closed')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  const again = await gateway.connect(ann)
  await expect.poll(() => world.noticedOf(ann).at(-1)?.status, PATIENCE).toBe('invisible')
  await gateway.disconnect(ann, again, 'lost')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  await expect
    .poll(() => world.noticedOf(ann).map(({ status }) => status), PATIENCE)
    .toEqual(['online', 'invisible', 'offline', 'invisible', 'offline'])
  expect(world.saidOf(ann)).toEqual(['online', 'offline'])
  expect(await world.ask([ann])).toMatchObject([{ lastSeenAt: hidden!.lastSeenAt }])

  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('unknown')
  await expect.poll(() => world.statusOf(ann), PATIENCE).toBe('offline')
  expect(await world.ask([ann])).toMatchObject([{ lastSeenAt: hidden!.lastSeenAt }])
  expect(await stored()).toBe(hidden!.lastSeenAt)
  for (const { status, lastSeenAt } of world.noticedOf(ann).slice(1)) {
    expect({ status, lastSeenAt }).toEqual({ status, lastSeenAt: hidden!.lastSeenAt })
  }

  // And when they want to be seen again, they are.
  await gateway.connect(ann)
  await world.set(ann, { status: 'online' })
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('online')
})
