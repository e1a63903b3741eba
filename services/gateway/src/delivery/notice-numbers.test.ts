import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_MISSING, NoticeNumbers } from './notice-numbers.ts'

test('what comes in order is whole, also when it is repeated', () => {
  const numbers = new NoticeNumbers()
  for (const number of [1, 2, 2, 3, 1]) numbers.hear(number)
  numbers.hearLast(3)
  expect(numbers.missing.size).toBe(0)
})

test('a number that was jumped over is missing until it comes, and so is a last one that never came', () => {
  const numbers = new NoticeNumbers()
  numbers.hear(3)
  expect([...numbers.missing]).toEqual([1, 2])
  numbers.hear(1)
  numbers.hearLast(5)
  expect([...numbers.missing]).toEqual([2, 4, 5])
  numbers.settle([2, 4])
  expect([...numbers.missing]).toEqual([5])
})

test('a sender that is far ahead misses a bounded number', () => {
  const numbers = new NoticeNumbers()
  numbers.hear(1_000_000)
  expect(numbers.missing.size).toBe(MAX_MISSING)
  numbers.hear(1_000_001)
  expect(numbers.missing.size).toBe(MAX_MISSING)
})

test('whatever is dropped, doubled or reordered, exactly what never came is missing once the last number is known', () => {
  const arrivals = fc
    .integer({ min: 0, max: 60 })
    .chain((last) =>
      fc.record({ last: fc.constant(last), heard: fc.array(fc.integer({ min: 1, max: Math.max(1, last) })) }),
    )
  fc.assert(
    fc.property(arrivals, ({ last, heard }) => {
      const numbers = new NoticeNumbers()
      const came = heard.filter((number) => number <= last)
      for (const number of came) numbers.hear(number)
      numbers.hearLast(last)
      const expected = Array.from({ length: last }, (_, index) => index + 1).filter((number) => !came.includes(number))
      expect([...numbers.missing].toSorted((a, b) => a - b)).toEqual(expected)
    }),
  )
})
