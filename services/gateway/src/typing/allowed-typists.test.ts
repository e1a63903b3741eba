import { expect, test } from 'vitest'
import { AllowedTypists } from './allowed-typists.ts'

test('what messaging has allowed is remembered for a minute, for that user in that conversation', () => {
  let now = 1
  const allowed = new AllowedTypists({ now: () => now })
  allowed.add('alice', 'one', true)
  allowed.add('alice', 'three', false)
  const found = ['one', 'two', 'three'].map((conversationId) => allowed.find('alice', conversationId))
  expect(found).toEqual([true, undefined, false])
  expect(allowed.find('bob', 'one')).toBeUndefined()
  now += 59_999
  expect(allowed.find('alice', 'one')).toBe(true)
  now += 1
  expect(allowed.find('alice', 'one')).toBeUndefined()
})

test('no more is remembered than the bound, nor what is over: the oldest goes first, and what is renewed is not old', () => {
  let now = 1
  const allowed = new AllowedTypists({ now: () => now, most: 3 })
  for (const user of ['a', 'b', 'c', 'a', 'd']) allowed.add(user, 'one', true)
  expect(['a', 'b', 'c', 'd'].filter((user) => allowed.find(user, 'one'))).toEqual(['a', 'c', 'd'])
  now += 60_000
  allowed.add('e', 'one', true)
  expect(allowed.size).toBe(1)
})

test('what may be otherwise now is forgotten, and who was asking meanwhile can tell', () => {
  const allowed = new AllowedTypists()
  allowed.add('alice', 'one', true)
  allowed.add('alice', 'two', true)
  const { forgotten } = allowed
  allowed.forget('alice', 'one')
  expect([allowed.find('alice', 'one'), allowed.find('alice', 'two')]).toEqual([undefined, true])
  expect(allowed.forgotten).not.toBe(forgotten)
})
