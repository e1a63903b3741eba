import { Refused } from '@parley/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RedisCounts } from './redis-counts.ts'
import { WindowCounter, type Keeping } from './window-counter.ts'

const SECONDS = 10

/** Gateways that keep one limit together. Their Redis answers when it is told to, or not at all. */
function gateways(options: { count: number; points: number; keeping?: Keeping }) {
  const counts = new Map<string, number>()
  const it = {
    nowMs: 1_000_000,
    redisIsAway: false,
    /** The next questions are lost, and nobody knows whether they were counted. */
    losing: false,
    asked: 0,
    counters: [] as WindowCounter[],
  }
  const redis: RedisCounts = {
    get isWorthAsking() {
      return !it.redisIsAway
    },
    async add(key, points) {
      it.asked += 1
      await Promise.resolve()
      const total = (counts.get(key) ?? 0) + points
      counts.set(key, total)
      return it.losing ? undefined : total
    },
  }
  const limit = { points: options.points, seconds: SECONDS }
  for (let index = 0; index < options.count; index++) {
    const { keeping = 'shared' } = options
    it.counters.push(new WindowCounter('send.user', limit, { keeping, redis, now: () => it.nowMs }))
  }
  return it
}

describe('a limit', () => {
  test('up to a quarter of it is given at once, without Redis', () => {
    const all = gateways({ count: 1, points: 40 })
    for (let taken = 0; taken < 10; taken++) expect(all.counters[0]!.take('alice')).toBe(0)
    expect(all.counters[0]!.take('alice')).toBeInstanceOf(Promise)
    expect(all.asked).toBe(1)
  })

  test('that is reached is refused without Redis until its window ends', async () => {
    const all = gateways({ count: 1, points: 4 })
    const [counter] = all.counters as [WindowCounter]
    for (let taken = 0; taken < 4; taken++) expect(await counter.take('alice')).toBe(0)
    const { asked } = all
    for (let again = 0; again < 100; again++) {
      const retryAfterMs = counter.take('alice') as number
      expect(retryAfterMs).toBeGreaterThanOrEqual(SECONDS * 1_000 - (all.nowMs % (SECONDS * 1_000)))
      expect(retryAfterMs).toBeLessThanOrEqual((SECONDS + 1) * 1_000)
    }
    expect(all.asked).toBe(asked)
    expect(counter.take('bob')).toBe(0)
    all.nowMs += SECONDS * 1_000
    expect(counter.take('alice')).toBe(0)
  })

  test('is forgotten with its window', async () => {
    const all = gateways({ count: 1, points: 4 })
    const [counter] = all.counters as [WindowCounter]
    for (let taken = 0; taken < 9; taken++) await counter.take('alice')
    expect(counter.size).toBe(1)
    all.nowMs += SECONDS * 1_000
    counter.forgetEnded()
    expect(counter.size).toBe(0)
  })

  test('is larger by a factor for whom it is said', async () => {
    const [counter] = gateways({ count: 1, points: 4 }).counters as [WindowCounter]
    for (let taken = 0; taken < 8; taken++) expect(await counter.take('robot', 2)).toBe(0)
    expect(await counter.take('robot', 2)).toBeGreaterThan(0)
  })

  test('that is kept exactly holds no memory while Redis counts', async () => {
    const all = gateways({ count: 1, points: 4, keeping: 'exact' })
    const [counter] = all.counters as [WindowCounter]
    for (let taken = 0; taken < 4; taken++) {
      expect(await counter.take('alice')).toBe(0)
      expect(counter.size).toBe(0)
    }
    expect(await counter.take('alice')).toBeGreaterThan(0)
    expect(all.asked).toBe(5)
  })

  test('that is kept closed gives nothing while Redis is away', async () => {
    const all = gateways({ count: 1, points: 4, keeping: 'closed' })
    const [counter] = all.counters as [WindowCounter]
    all.losing = true
    await expect(counter.take('alice')).rejects.toThrow(Refused)
    all.redisIsAway = true
    expect(() => counter.take('bob')).toThrow('unavailable')
    all.redisIsAway = false
    all.losing = false
    expect(await counter.take('bob')).toBe(0)
  })
})

const doing = fc.oneof(
  { weight: 20, arbitrary: fc.record({ gateway: fc.nat(3), atOnce: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.constant('next window' as const) },
)
type Doing = { gateway: number; atOnce: number } | 'next window'

const case_ = { count: fc.integer({ min: 1, max: 4 }), points: fc.integer({ min: 1, max: 60 }) }
const doings = fc.array(doing, { maxLength: 80 })

/** Does it all and says of each window how many were asked for and given. */
async function run(all: ReturnType<typeof gateways>, list: readonly Doing[]) {
  const windows = [{ asked: 0, given: 0 }]
  for (const one of list) {
    if (one === 'next window') {
      all.nowMs += SECONDS * 1_000
      windows.push({ asked: 0, given: 0 })
      continue
    }
    const counter = all.counters[one.gateway % all.counters.length]!
    const answers = await Promise.all(Array.from({ length: one.atOnce }, async () => counter.take('alice')))
    const window = windows.at(-1)!
    window.asked += answers.length
    window.given += answers.filter((retryAfterMs) => retryAfterMs === 0).length
  }
  return windows
}

describe('whatever is asked of whichever gateways, in a window', () => {
  test('nobody is given more than the guarantee, or refused below the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(case_), doings, async ({ count, points }, list) => {
        for (const { asked, given } of await run(gateways({ count, points }), list)) {
          expect(given).toBeLessThanOrEqual(points + count * Math.floor(points / 4))
          expect(given).toBeGreaterThanOrEqual(Math.min(asked, points))
        }
      }),
    )
  })

  test('exactly the limit is given where it is kept exactly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(case_), doings, async ({ count, points }, list) => {
        for (const { asked, given } of await run(gateways({ count, points, keeping: 'exact' }), list)) {
          expect(given).toBe(Math.min(asked, points))
        }
      }),
    )
  })

  test.each(['redisIsAway', 'losing'] as const)('each gateway gives the limit by itself (%s)', async (fault) => {
    await fc.assert(
      fc.asyncProperty(fc.record(case_), doings, async ({ count, points }, list) => {
        const all = gateways({ count, points })
        all[fault] = true
        for (const { asked, given } of await run(all, list)) {
          expect(given).toBeLessThanOrEqual(points * count)
          expect(given).toBeGreaterThanOrEqual(Math.min(asked, points))
        }
      }),
    )
  })
})
