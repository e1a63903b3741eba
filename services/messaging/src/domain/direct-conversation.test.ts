import { expect, test } from 'vitest'
import { directConversationId, isReservedForDirect } from './direct-conversation.ts'

const [alice, bob, carol] = [1, 2, 3].map((digit) => `${digit}0000000-0000-4000-8000-000000000000`) as [
  string,
  string,
  string,
]

test('a pair has one conversation, in either order and for ever', () => {
  expect(directConversationId(alice, bob)).toBe(directConversationId(bob, alice))
  expect(directConversationId(alice, bob)).not.toBe(directConversationId(alice, carol))
  expect(directConversationId(alice, bob)).toBe('aaad2cbd-9533-506f-81d4-5577928bcabb')
})

test('ids of direct conversations are told from those that others make', () => {
  expect(isReservedForDirect(directConversationId(alice, bob))).toBe(true)
  expect(isReservedForDirect(alice)).toBe(false)
})
