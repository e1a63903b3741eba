import { expect, test } from 'vitest'
import { mayAdd, mayLeave, mayRemove } from './permissions.ts'

test.each([
  ['owner', true, ['owner', 'admin', 'member']],
  ['admin', true, ['member']],
  ['member', false, []],
] as const)('%s: may add %s, may remove %j', (role, adds, removes) => {
  expect(mayAdd(role)).toBe(adds)
  const others = (['owner', 'admin', 'member'] as const).filter((other) => mayRemove(role, other))
  expect(others).toEqual(removes)
})

test('a group with members always has an owner', () => {
  expect(mayLeave('owner', { owners: 1, members: 2 })).toBe(false)
  expect(mayLeave('owner', { owners: 2, members: 2 })).toBe(true)
  expect(mayLeave('owner', { owners: 1, members: 1 })).toBe(true)
  expect(mayLeave('admin', { owners: 1, members: 2 })).toBe(true)
  expect(mayLeave('member', { owners: 1, members: 2 })).toBe(true)
})
