import { expect, test } from 'vitest'
import { AllowedTypists } from './allowed-typists.ts'

test('what messaging has allowed is remembered for a minute, for that user in that conversation', () => {
  let now = 1
  const allowed = new AllowedTypists({ now: () => now })
  allowed.add('alice', 'one')
  expect([allowed.has('alice', 'one'), allowed.has('bob', 'one'), allowed.has('alice', 'two')]).toEqual([
    true,
    false,
    false,
  ])
  now += 59_999
  expect(allowed.has('alice', 'one')).toBe(true)
  now += 1
  expect(allowed.has('alice', 'one')).toBe(false)
})

test('no more is remembered than the bound, nor what is over: the oldest goes first, and what is renewed is not old', () => {
  let now = 1
  const allowed = new AllowedTypists({ now: () => now, most: 3 })
  for (const user of ['a', 'b', 'c', 'a', 'd']) allowed.add(user, 'one')
  expect(['a', 'b', 'c', 'd'].filter((user) => allowed.has(user, 'one'))).toEqual(['a', 'c', 'd'])
  now += 60_000
  allowed.add('e', 'one')
  expect(allowed.size).toBe(1)
})
