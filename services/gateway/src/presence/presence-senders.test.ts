import type { PresenceNotice } from '@parley/contracts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PresenceSenders } from './presence-senders.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const changes: PresenceNotice['changes'] = [
  {
    userId: '7f0c0f50-0000-4000-8000-000000000001',
    status: 'online',
    text: null,
    lastSeenAt: null,
    version: 1,
    visibleTo: 'everyone',
  },
]
const told = (number: number, others: Partial<PresenceNotice> = {}): PresenceNotice => ({
  senderId: 'one',
  number,
  whole: true,
  changes,
  ...others,
})
const beat = (number: number, others: Partial<PresenceNotice> = {}) => told(number, { changes: [], ...others })

test('while numbers follow each other nothing was missed', () => {
  const senders = new PresenceSenders()
  senders.hear(beat(0))
  expect([told(1), beat(1), beat(1), told(2), told(3), beat(3)].map((notice) => senders.hear(notice))).not.toContain(
    false,
  )
})

test('a number that is left out was missed, whether the next notice has changes or repeats it, and is missed once', () => {
  const senders = new PresenceSenders()
  senders.hear(beat(0))
  expect(senders.hear(told(2))).toBe(false)
  expect(senders.hear(told(3))).toBe(true)
  expect(senders.hear(beat(4))).toBe(false)
  expect(senders.hear(beat(4))).toBe(true)
})

test('the numbers of each sender are its own', () => {
  const senders = new PresenceSenders()
  senders.hear(beat(0))
  senders.hear(beat(7, { senderId: 'two' }))
  expect(senders.hear(told(1))).toBe(true)
  expect(senders.hear(told(8, { senderId: 'two' }))).toBe(true)
})

test('of a sender that is heard for the first time, or again after five seconds, something may have been missed', () => {
  const senders = new PresenceSenders()
  expect(senders.hear(beat(5))).toBe(false)
  vi.advanceTimersByTime(5_000)
  expect(senders.hear(beat(5))).toBe(true)
  vi.advanceTimersByTime(5_001)
  expect(senders.hear(beat(5))).toBe(false)
})

test('when a sender can tell of everybody again, something may have changed unsaid', () => {
  const senders = new PresenceSenders()
  senders.hear(beat(0))
  expect(senders.hear(beat(0, { whole: false }))).toBe(true)
  expect(senders.hear(told(1, { whole: false }))).toBe(true)
  expect(senders.hear(beat(1))).toBe(false)
  expect(senders.hear(beat(1))).toBe(true)
})
