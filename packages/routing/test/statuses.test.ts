import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, testRedis } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import {
  DEFAULT_STATUS,
  openConnectionRegistry,
  type ChosenStatus,
  type ConnectionRegistry,
  type Transition,
} from '../src/index.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

const INVISIBLE: ChosenStatus = { ...DEFAULT_STATUS, status: 'invisible', version: 1 }

const openRegistry = (url: string, options: Partial<Parameters<typeof openConnectionRegistry>[0]> = {}) =>
  openConnectionRegistry({ url, log: silentLog, readStatuses: async () => new Map(), settlingMs: 0, ...options })

/** Settles until there is something, or once more if nothing comes. */
async function settle(registry: ConnectionRegistry): Promise<Transition[]> {
  const found: Transition[] = []
  await expect.poll(async () => found.push(...(await registry.settleDue()).transitions), PATIENCE).toBeGreaterThan(0)
  return found
}

test('a transition says what was announced before it, unless that is in doubt', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await using registry = await openRegistry(redis.url, { claimMs: 100 })
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  const [online] = await settle(registry)
  expect(online).toMatchObject({ status: 'online', visibleTo: 'everyone', text: null, lastSeenAt: null })
  expect(online).not.toHaveProperty('previous')
  await registry.acknowledge([online!])

  await gateway.setIdle('k', 'ann', true)
  const [away] = await settle(registry)
  expect(away).toMatchObject({ status: 'away', previous: { status: 'online', sameText: true } })
  // Announced perhaps, and not acknowledged.
  await registry.writeStatuses([{ ...DEFAULT_STATUS, userId: 'ann', text: 'lunch', version: 1 }])
  const [withText] = await settle(registry)
  expect(withText).toMatchObject({ status: 'away', text: 'lunch' })
  expect(withText).not.toHaveProperty('previous')
  await registry.acknowledge([away!])
  const [again] = await settle(registry)
  expect(again).toEqual({ ...withText, claim: again!.claim })
  await registry.acknowledge([again!])

  await registry.writeStatuses([{ ...DEFAULT_STATUS, userId: 'ann', text: 'nap', version: 2 }])
  const [other] = await settle(registry)
  expect(other).toMatchObject({ status: 'away', text: 'nap', previous: { status: 'away', sameText: false } })
  await registry.acknowledge([other!])
  // Older ones, and the same once more, change nothing.
  await registry.writeStatuses([
    { ...DEFAULT_STATUS, userId: 'ann', text: 'lunch', version: 1 },
    { ...DEFAULT_STATUS, userId: 'ann', text: 'nap', version: 2 },
  ])
  await delay(200)
  expect((await registry.settleDue()).transitions).toEqual([])
})

test('a choice that was read too late does not hide a newer one', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const reading = Promise.withResolvers<ReadonlyMap<string, ChosenStatus>>()
  const begun = Promise.withResolvers<void>()
  let stored: ReadonlyMap<string, ChosenStatus> | undefined
  await using registry = await openRegistry(redis.url, {
    doubtRetryMs: 50,
    async readStatuses() {
      begun.resolve()
      return stored ?? reading.promise
    },
  })
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  const settling = registry.settleDue()
  await begun.promise
  stored = new Map([['ann', INVISIBLE]])
  await registry.writeStatuses([{ userId: 'ann', ...INVISIBLE }])
  reading.resolve(new Map())
  const found = [...(await settling).transitions, ...(await settle(registry))]
  expect(found.map(({ status }) => status)).toEqual(['invisible'])
})

test('while choices are slow to read, those who are known do not wait for them', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const reading = Promise.withResolvers<ReadonlyMap<string, ChosenStatus>>()
  let slow = false
  await using registry = await openRegistry(redis.url, {
    doubtRetryMs: 50,
    readStatuses: async () => (slow ? reading.promise : new Map()),
  })
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  await registry.acknowledge(await settle(registry))
  slow = true
  await gateway.addConnection({ connectionId: 'l', userId: 'bob' })
  await gateway.setIdle('k', 'ann', true)
  expect(await settle(registry)).toMatchObject([{ userId: 'ann', status: 'away' }])
  reading.resolve(new Map())
  expect(await settle(registry)).toMatchObject([{ userId: 'bob', status: 'online' }])
})

test('what a restarted Redis has brought back of choices is not believed', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ graceMs: { closed: 0, lost: 0, drained: 0 } })
  const stored = new Map<string, ChosenStatus>()
  await using registry = await openRegistry(redis.url, { readStatuses: async () => stored, claimMs: 100 })
  const hearing = setInterval(() => registry.hear(gateway.announcement), 20)
  using _ = { [Symbol.dispose]: () => clearInterval(hearing) }
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  await registry.acknowledge(await settle(registry))
  await gateway.removeConnection('k', 'ann', 'closed')
  await registry.acknowledge(await settle(registry))
  // As if Redis had lost this with its last second.
  stored.set('ann', INVISIBLE)
  await redis.restart()
  await expect
    .poll(
      () =>
        registry.check().then(
          () => gateway.announcement.registered,
          () => false,
        ),
      PATIENCE,
    )
    .toBe(true)
  await gateway.addConnection({ connectionId: 'l', userId: 'ann' })
  await expect.poll(async () => (await registry.statesOf(['ann'])).get('ann')?.status, PATIENCE).toBe('invisible')
  const found = await settle(registry)
  expect(new Set(found.map(({ status }) => status))).toEqual(new Set(['invisible']))
})
