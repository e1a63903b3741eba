import type { Delivery, ReceiptsDelivery } from '@parley/contracts'
import { expect, test } from 'vitest'
import { numberNotices } from './numbered-notices.ts'

const delivery = (topic: string, version: number): Delivery => ({
  topic,
  version,
  event: 'MessageCreated',
  argument: new Uint8Array(10),
})
const receipts: ReceiptsDelivery = { topic: 'c:1', conversationId: '1', receipts: [], gatherMs: 0 }

test('each gateway has numbers of its own from 1, and hears the last one again', () => {
  const notices = numberNotices()
  const notice = { deliveries: [delivery('c:1', 5)], receipts: [] }
  expect([1, 1, 2].map((gatewayId) => notices.number(gatewayId, notice).number)).toEqual([1, 2, 1])
  expect(notices.numbered).toBe(3)
  const { senderId } = notices
  expect(notices.repeatLast(1)).toEqual({ senderId, number: 2, deliveries: [], receipts: [] })
  expect(notices.repeatLast(3).number).toBe(0)
})

test('what was in missed numbers is recalled: the highest version of each topic, and all receipts', () => {
  const notices = numberNotices()
  notices.number(1, { deliveries: [delivery('c:1', 5), delivery('c:1', 6), delivery('u:1', 1)], receipts: [receipts] })
  notices.number(1, { deliveries: [delivery('c:1', 7)], receipts: [] })
  notices.number(1, { deliveries: [delivery('c:2', 1)], receipts: [receipts] })
  expect(notices.recall(1, [1, 3])).toEqual({
    topics: [
      { topic: 'c:1', version: 6 },
      { topic: 'u:1', version: 1 },
      { topic: 'c:2', version: 1 },
    ],
    receipts: [receipts, receipts],
    forgotten: false,
  })
  expect(notices.recall(2, [1])).toEqual({ topics: [], receipts: [], forgotten: true })
  expect(notices.recall(1, [2, 4]).forgotten).toBe(true)
})

test('what is older than a minute, or too much, is forgotten, the oldest first', () => {
  let now = 0
  const notices = numberNotices({ maxRemembered: 6, now: () => now })
  const say = (version: number) => notices.number(1, { deliveries: [delivery('c:1', version)], receipts: [] })
  for (const version of [1, 2, 3, 4]) say(version)
  expect(notices.recall(1, [1]).forgotten).toBe(true)
  expect(notices.recall(1, [2, 3, 4]).forgotten).toBe(false)
  now = 60_000
  expect(notices.recall(1, [4]).forgotten).toBe(true)
  say(5)
  expect(notices.recall(1, [5]).topics).toEqual([{ topic: 'c:1', version: 5 }])
})

test('what was missed is recalled only as far as one answer can carry it', () => {
  const notices = numberNotices()
  const marks = Array.from({ length: 100 }, () => ({ userId: '1', deliveredSequence: 1, readSequence: 1 }))
  for (let number = 1; number <= 60; number += 1) {
    notices.number(1, { deliveries: [delivery('c:1', number)], receipts: [{ ...receipts, receipts: marks }] })
  }
  const numbers = Array.from({ length: 60 }, (_, index) => index + 1)
  const some = notices.recall(1, numbers)
  expect(some.forgotten).toBe(true)
  expect(some.receipts.length).toBeGreaterThan(40)
  expect(JSON.stringify(some).length).toBeLessThan(1_000_000)
  expect(notices.recall(1, numbers.slice(0, 40)).forgotten).toBe(false)
})
