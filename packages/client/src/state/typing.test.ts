import { describe, expect, test } from 'vitest'
import { afterTyping, nobodyTypes, withoutExpiredTyping, withoutTypist, type Typing } from './typing.ts'
import { emptyState, type ChatState, type ConversationState } from './chat-state.ts'

const at = (seconds: number) => new Date(seconds * 1_000).toISOString()
const told = (userId: string | null, active: boolean, count = 1, expiresAt = at(7)) => ({
  conversationId: 'one',
  userId,
  active,
  count,
  expiresAt,
})

test('who types is named until they stop or have sent', () => {
  const two = afterTyping(afterTyping(nobodyTypes, told('alice', true)), told('bob', true, 2, at(8)))
  expect(two.users).toEqual(
    new Map([
      ['alice', at(7)],
      ['bob', at(8)],
    ]),
  )
  expect([...afterTyping(two, told('alice', false)).users.keys()]).toEqual(['bob'])
  expect([...withoutTypist(two, 'bob').users.keys()]).toEqual(['alice'])
  expect(withoutTypist(two, 'carol')).toBe(two)
})

test('while they are too many nobody is named; then those who are named again', () => {
  const crowd = afterTyping(afterTyping(nobodyTypes, told('alice', true)), told(null, true, 6))
  expect(crowd).toEqual({ users: new Map(), crowd: { count: 6, expiresAt: at(7) } })
  const few = [told(null, false, 0), told('alice', true, 5), told('bob', true, 5)].reduce(afterTyping, crowd)
  expect([few.crowd, ...few.users.keys()]).toEqual([null, 'alice', 'bob'])
  // The event between has been dropped for a slow client.
  expect(afterTyping(crowd, told('bob', true, 5)).crowd).toBeNull()
})

describe('what has expired', () => {
  const stateOf = (typing: Typing): ChatState => ({
    ...emptyState,
    conversations: new Map([['one', { typing } as ConversationState]]),
  })
  const two = [told('alice', true, 1, at(7)), told('bob', true, 2, at(9))].reduce(afterTyping, nobodyTypes)

  test('goes, and the rest stays', () => {
    const { state, ended } = withoutExpiredTyping(stateOf(two), 8_000)
    expect([...state.conversations.get('one')!.typing.users.keys()]).toEqual(['bob'])
    expect(ended).toEqual(['one'])
    const crowd = afterTyping(nobodyTypes, told(null, true, 9))
    expect(withoutExpiredTyping(stateOf(crowd), 7_000).state.conversations.get('one')!.typing).toEqual(nobodyTypes)
  })

  test('is nothing where all still type: the state is the same', () => {
    const state = stateOf(two)
    expect(withoutExpiredTyping(state, 6_999)).toEqual({ state, ended: [] })
    expect(withoutExpiredTyping(state, 6_999).state).toBe(state)
  })

  test('is also what would last far too long, after a clock was set back', () => {
    expect(withoutExpiredTyping(stateOf(two), -86_400_000).ended).toEqual(['one'])
  })
})
