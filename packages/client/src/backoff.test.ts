import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

test('the wait doubles up to 30 seconds and never ends', () => {
  const backoff = new Backoff(() => 1)
  const waits = Array.from({ length: 100 }, () => backoff.nextMs())
  expect(waits.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  expect(waits.at(-1)).toBe(30_000)
})

test('the wait is anywhere between nothing and its bound', () => {
  expect(new Backoff(() => 0).nextMs()).toBe(0)
  expect(new Backoff(() => 0.5).nextMs()).toBe(500)
})

test('the wait starts over when it is forgotten', () => {
  const backoff = new Backoff(() => 1)
  backoff.nextMs()
  backoff.nextMs()
  backoff.forget()
  expect(backoff.nextMs()).toBe(1_000)
})
