import { expect } from 'vitest'
import { outcomeOf, type Output } from './device.ts'
import type { ModelConversation, ModelMessage } from './model-conversation.ts'
import { find } from './model-messages.ts'
import type { ModelTalk } from './model-talk.ts'
import { refused, type Outcome } from './outcome.ts'
import type { RealUser } from './real-talk.ts'
import { seenConversation, seenMember, seenMessage } from './seen.ts'
import { conversationView, deliveredView, historyView, inboxView, memberView, readersView } from './views.ts'

/** The outcome is of the same kind, and what is seen of it the same. */
export function expectOutcome<Value, Seen>(
  actual: Outcome<Value>,
  expected: Outcome<Seen>,
  seen: (value: Value) => Seen,
): void {
  expect('value' in actual ? { value: seen(actual.value) } : actual).toEqual(expected)
}

export async function expectInbox(model: ModelTalk, { id, rest }: RealUser): Promise<void> {
  const { conversations } = await rest.perform('ListConversations', {})
  expect(conversations.map(seenConversation), 'the inbox').toEqual(inboxView(model, id))
}

/** All that a user can read of a conversation. */
export async function expectReads(model: ModelTalk, user: RealUser, conversation: ModelConversation): Promise<void> {
  const { id: conversationId } = conversation
  const member = conversation.member(user.id)
  const place = { conversationId }
  const [own, history, members] = await Promise.all([
    outcomeOf(user.rest.perform('GetConversation', place)),
    outcomeOf(user.rest.perform('GetMessages', { ...place, after: 0, limit: 100 })),
    outcomeOf(user.rest.perform('ListMembers', place)),
  ])
  if (member === undefined) {
    const away = refused('not_a_member')
    expect([own, history, members], 'who is not a member').toEqual([away, away, away])
    return
  }
  expectOutcome(own, { value: conversationView(conversation, member) }, seenConversation)
  expectOutcome(history, { value: historyView(conversation, member) }, ({ messages }) => messages.map(seenMessage))
  expectOutcome(members, { value: conversation.members.map(memberView) }, (page) => page.members.map(seenMember))
  if ('value' in members) expectDelivered(model, conversation, members.value.members)
}

function expectDelivered(
  model: ModelTalk,
  conversation: ModelConversation,
  members: Output<'ListMembers'>['members'],
): void {
  for (const { userId, deliveredSequence } of members) {
    const { least, most } = deliveredView(model, conversation, conversation.member(userId)!)
    expect(deliveredSequence, 'delivered').toBeGreaterThanOrEqual(least)
    expect(deliveredSequence, 'delivered').toBeLessThanOrEqual(most)
  }
}

/** What `GetReceipts` must say of who has read, and may say of who has it. */
export function expectReceipts(
  model: ModelTalk,
  { conversation, userId, messageId }: { conversation: ModelConversation; userId: string; messageId: string },
  actual: Outcome<Output<'GetReceipts'>>,
): void {
  const found = find(conversation, userId, messageId)
  if ('refused' in found || 'refused' in actual) {
    expect(actual).toEqual(found)
    return
  }
  const { message } = found.value
  const readers = readersView(conversation, message)
  const { receipts, ...counts } = actual.value
  const readCount = readers.filter(({ isRead }) => isRead).length
  expect(counts, 'counts').toMatchObject({ memberCount: readers.length, readCount })
  if (conversation.kind === 'channel') {
    expect(receipts).toEqual([])
    return
  }
  expect(receipts.map((one) => ({ userId: one.userId, isRead: one.readAt !== null }))).toEqual(
    readers.map(({ member, isRead }) => ({ userId: member.userId, isRead })),
  )
  readers.forEach(({ member }, index) => {
    const isDelivered = receipts[index]!.deliveredAt !== null
    expect(isDelivered, 'delivered').toBe(isDelivered ? mayHave(model, conversation, message, member.userId) : false)
    if (conversation.member(member.userId)!.delivered.least >= message.sequence) expect(isDelivered).toBe(true)
  })
}

const mayHave = (model: ModelTalk, conversation: ModelConversation, { sequence }: ModelMessage, userId: string) =>
  deliveredView(model, conversation, conversation.member(userId)!).most >= sequence
