import { limits } from '@parley/protocol'
import { expect, test } from 'vitest'
import { isAbridged, namesAll, reactionsAfter } from './reactions.ts'

const users = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const given = (emoji: string, userIds: readonly string[]) => userIds.map((userId) => ({ emoji, userId }))

test('all who reacted are named while they are few, and the first of each emoji beyond', () => {
  const many = users(limits.namedReactions, 'a')
  const all = reactionsAfter([], { added: given('👍', many), removed: [] }, 500)
  expect(all).toEqual([{ emoji: '👍', count: limits.namedReactions, userIds: many }])
  expect(isAbridged(all)).toBe(false)
  const one = reactionsAfter(all, { added: given('🎉', ['b']), removed: [] }, 500)
  expect(one).toEqual([
    { emoji: '👍', count: limits.namedReactions, userIds: many.slice(0, limits.namedReactionsBeyond) },
    { emoji: '🎉', count: 1, userIds: ['b'] },
  ])
  const again = reactionsAfter(one, { added: [], removed: given('🎉', ['b']) }, 500)
  expect([isAbridged(again), namesAll(again, 500)]).toEqual([true, true])
})

test('in a large conversation the first of each emoji are named, and all are counted', () => {
  const many = users(50, 'a')
  const [reaction] = reactionsAfter([], { added: given('👍', many), removed: [] }, limits.toldMembers + 1)
  expect(reaction).toEqual({ emoji: '👍', count: 50, userIds: many.slice(0, limits.namedReactionsBeyond) })
  const [fewer] = reactionsAfter([reaction!], { added: [], removed: given('👍', ['a0', 'a40']) }, 5_000)
  expect(fewer).toMatchObject({ count: 48, userIds: many.slice(1, limits.namedReactionsBeyond) })
})
