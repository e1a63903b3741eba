import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, testRedis } from '@parley/testing'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { openConnectionRegistry, type ConnectionRegistry, type Seen, type Transition } from '../src/index.ts'
import { redisKeys } from '../src/redis-keys.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

const openRegistry = (url: string, options: Partial<Parameters<typeof openConnectionRegistry>[0]> = {}) =>
  openConnectionRegistry({ url, log: silentLog, readStatuses: async () => new Map(), settlingMs: 0, ...options })

async function nextTransitions(registry: ConnectionRegistry): Promise<Transition[]> {
  let found: Transition[] = []
  await expect
    .poll(async () => {
      found = (await registry.settleDue()).transitions
      return found.length
    }, PATIENCE)
    .toBeGreaterThan(0)
  return found
}

test('a transition comes up again, as it was, until somebody acknowledges it', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await using dying = await openRegistry(redis.url, { claimMs: 300 })
  await using heir = await openRegistry(redis.url, { claimMs: 300 })
  await gateway.addConnection({ connectionId: 'k', userId: 'ann', device: 'phone' })

  const [first] = await nextTransitions(dying)
  expect(first).toMatchObject({ userId: 'ann', status: 'online' })
  // Claimed: for now it is in the hands of the one that found it.
  expect(await heir.settleDue()).toEqual({ transitions: [], more: false })
  const [again] = await nextTransitions(heir)
  expect(again).toEqual({ ...first, claim: again!.claim })
  expect(again!.claim).toBeGreaterThan(first!.claim)

  await heir.acknowledge([again!])
  // Too late, and without harm.
  await dying.acknowledge([first!])
  expect((await heir.settleDue()).transitions).toEqual([])
  // Nor when the claims have ended.
  await delay(400)
  expect((await heir.settleDue()).transitions).toEqual([])
})

test('of two transitions in a row, the one that was superseded before it was announced is skipped', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ graceMs: { closed: 50, lost: 50, drained: 50 } })
  await using registry = await openRegistry(redis.url, { claimMs: 200 })
  registry.hear(gateway.announcement)
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  const [online] = await nextTransitions(registry)
  await gateway.removeConnection('k', 'ann', 'closed')
  const found: Transition[] = []
  await expect
    .poll(async () => {
      found.push(...(await registry.settleDue()).transitions)
      return found.some(({ status }) => status === 'offline')
    }, PATIENCE)
    .toBe(true)
  const offline = found.find(({ status }) => status === 'offline')!
  expect(offline.version).toBeGreaterThan(online!.version)
  await registry.acknowledge([offline])
  await registry.acknowledge([online!])
  await expect.poll(() => registry.settleDue(), PATIENCE).toEqual({ transitions: [], more: false })
})

test('thousands of users who come at once are all found', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await using registry = await openRegistry(redis.url)
  const users = Array.from({ length: 4_000 }, (_, index) => `user-${index}`)
  await Promise.all(users.map((userId) => gateway.addConnection({ connectionId: `of-${userId}`, userId })))
  const online: string[] = []
  for (let more = true; more;) {
    const found = await registry.settleDue()
    await registry.acknowledge(found.transitions)
    online.push(...found.transitions.map(({ userId }) => userId))
    more = found.more
  }
  expect(online.toSorted()).toEqual(users.toSorted())
  const states = await registry.statesOf(users)
  expect(new Set(states.values().map(({ status }) => status))).toEqual(new Set(['online']))
})

test('when somebody was last seen is handed over until it is stored, and not again within the interval', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ graceMs: { closed: 0, lost: 0, drained: 0 } })
  await using registry = await openRegistry(redis.url)
  registry.hear(gateway.announcement)
  const comeAndGo = async () => {
    await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
    await registry.acknowledge(await nextTransitions(registry))
    await gateway.removeConnection('k', 'ann', 'closed')
    await registry.acknowledge(await nextTransitions(registry))
  }
  const stored: Seen[] = []
  const store = async (seen: readonly Seen[]) => void stored.push(...seen)

  await comeAndGo()
  await expect(registry.flushSeen(100, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  await expect.poll(() => registry.flushSeen(60_000, store).then(() => stored.length), PATIENCE).toBe(1)
  await comeAndGo()
  await registry.flushSeen(60_000, store)
  expect(stored).toEqual([{ userId: 'ann', at: expect.any(Date) as Date }])
})

test('that it could not be told for a moment who is offline is not missed between two looks', async () => {
  await using redis = await testRedis()
  const raw = new Redis(redis.url)
  using _ = { [Symbol.dispose]: () => raw.disconnect() }
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await using registry = await openRegistry(redis.url)
  registry.hear(gateway.announcement)
  expect(await registry.isWhole()).toBe(false)
  expect(await registry.isWhole()).toBe(true)

  // A part is lost, and registered again under the same id.
  const { redisEpoch } = gateway.announcement
  await raw.del(redisKeys.epoch(3))
  await expect
    .poll(() => gateway.announcement.registered && gateway.announcement.redisEpoch !== redisEpoch, PATIENCE)
    .toBe(true)
  registry.hear(gateway.announcement)
  expect(await registry.isWhole()).toBe(false)
  expect(await registry.isWhole()).toBe(true)

  await redis.kill()
  expect(await registry.isWhole()).toBe(false)
})
