import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Admission } from './admission.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const admitted = (admission: Admission, attempts: number): number =>
  Array.from({ length: attempts }, () => admission.admits()).filter(Boolean).length

test('those of one second may come at once, and after it as many again', () => {
  const admission = new Admission(10)
  expect(admitted(admission, 30)).toBe(10)
  vi.advanceTimersByTime(1_000)
  expect(admitted(admission, 30)).toBe(10)
})

test('room comes back bit by bit, and is not saved up', () => {
  const admission = new Admission(10)
  expect(admitted(admission, 10)).toBe(10)
  vi.advanceTimersByTime(250)
  expect(admitted(admission, 10)).toBe(2)
  vi.advanceTimersByTime(60_000)
  expect(admitted(admission, 30)).toBe(10)
})

test('nobody, or everybody, may be let in', () => {
  expect(admitted(new Admission(0), 10)).toBe(0)
  const everybody = new Admission(Infinity)
  expect(admitted(everybody, 10)).toBe(10)
  vi.advanceTimersByTime(10)
  expect(admitted(everybody, 10)).toBe(10)
})
