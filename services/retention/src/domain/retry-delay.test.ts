import { expect, test } from 'vitest'
import { retryDelayMs } from './retry-delay.ts'

test('the wait before a retry doubles, up to a quarter of an hour', () => {
  expect([1, 2, 3, 4].map((failures) => retryDelayMs(failures, 5_000))).toEqual([5_000, 10_000, 20_000, 40_000])
  expect(retryDelayMs(1_000, 5_000)).toBe(15 * 60_000)
})
