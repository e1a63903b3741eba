import { BusError } from '@parley/bus'
import { silentLog } from '@parley/testing'
import { expect, test } from 'vitest'
import { noticeMissed } from './missed-notices.ts'

const PATIENCE_MS = 100
/** Two clocks, of timers and of time, are a little apart. */
const ROUNDING_MS = 2

/** Notices of one sender that is gone when it is asked. */
function listenToSender() {
  const asked: { at: number; numbers: readonly number[] }[] = []
  const checkedSince: number[] = []
  const missed = noticeMissed({
    streams: { compare: () => undefined },
    receipts: { receive: () => undefined },
    calls: {
      async listNotices({ numbers }) {
        asked.push({ at: performance.now(), numbers })
        throw new BusError('unavailable', 'it is gone')
      },
    },
    counts: { missedNotices: 0 },
    changed: {
      checkSince: async (moment) => void checkedSince.push(moment),
      [Symbol.asyncDispose]: async () => undefined,
    },
    log: silentLog,
  })
  /** Which says that this was its last. */
  const hear = (number: number) => missed.hear(1, { senderId: 'sender', number, deliveries: [], receipts: [] })
  return { hear, asked, checkedSince, [Symbol.asyncDispose]: () => missed[Symbol.asyncDispose]() }
}

test('a missing number is asked for only after it could have come late, whenever it is missed', async () => {
  await using sender = listenToSender()
  for (let number = 1; number <= 8; number += 1) {
    const heardAt = performance.now()
    sender.hear(number)
    await expect.poll(() => sender.asked.length, { interval: 7 }).toBe(number)
    const { at, numbers } = sender.asked.at(-1)!
    expect(numbers).toEqual([number])
    expect(at - heardAt).toBeGreaterThanOrEqual(PATIENCE_MS - ROUNDING_MS)
    await expect.poll(() => sender.checkedSince.length, { interval: 7 }).toBe(number)
  }
})

test('what a sender that is gone had said is looked for from when it was last heard, not from when it was missed', async () => {
  await using sender = listenToSender()
  sender.hear(0)
  const lastHeardAt = performance.now()
  await expect.poll(() => performance.now() - lastHeardAt).toBeGreaterThan(400)
  sender.hear(2)
  await expect.poll(() => sender.checkedSince).toHaveLength(1)
  expect(sender.checkedSince[0]).toBeLessThanOrEqual(lastHeardAt)
})

test('when a sender that misses nothing falls silent, its last words are looked for, once until it is heard again', async () => {
  await using sender = listenToSender()
  for (let silences = 1; silences <= 2; silences += 1) {
    sender.hear(0)
    const lastHeardAt = performance.now()
    await expect.poll(() => sender.checkedSince.length, { interval: 20 }).toBe(silences)
    expect(performance.now() - lastHeardAt).toBeGreaterThan(3_000)
    expect(sender.checkedSince.at(-1)).toBeLessThanOrEqual(lastHeardAt)
    const seenAt = performance.now()
    await expect.poll(() => performance.now() - seenAt).toBeGreaterThan(300)
    expect(sender.checkedSince).toHaveLength(silences)
  }
  expect(sender.asked).toEqual([])
})
