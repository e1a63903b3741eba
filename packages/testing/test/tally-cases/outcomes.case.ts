import { beforeAll, describe, expect, test } from 'vitest'

test('passes', () => expect(1).toBe(1))
test('passes and leaves a rejection that nobody catches', () => {
  void Promise.reject(new Error('nobody caught me'))
})
test('fails', () => expect(1).toBe(2))
describe('a suite whose hook throws', () => {
  beforeAll(() => {
    throw new Error('no set-up')
  })
  test('does not run', () => expect(1).toBe(1))
})
