import type { Message } from '@parley/protocol'
import { expect } from 'vitest'
import { expectCaughtUp } from '../catch-up.ts'
import { expectOutcome, expectReceipts } from '../expect-reads.ts'
import { expectAll } from '../expect-all.ts'
import { find } from '../model-messages.ts'
import { refused } from '../outcome.ts'
import { seenConversation, seenMessage } from '../seen.ts'
import { historyView, inboxView } from '../views.ts'
import { step, type Play } from './step.ts'

/** A page before or after a sequence, or the newest. */
const readsHistory: Play = async ({ real, user, conversation, choice }) => {
  const { number, flag, message } = choice
  const place = number % 3 === 0 ? {} : flag ? { before: message } : { after: message }
  const limit = 1 + (number % 5)
  const input = { conversationId: conversation.id, ...place, limit }
  const read = await real.ask(user, real.doorOf(user, choice.door), ['GetMessages', input])
  const member = conversation.member(user.id)
  const seen = ({ messages }: { messages: Message[] }) => messages.map(seenMessage)
  if (member === undefined) return expectOutcome(read, refused('not_a_member'), seen)
  const visible = historyView(conversation, member).filter(
    ({ sequence }) => sequence < (place.before ?? Infinity) && sequence > (place.after ?? 0),
  )
  expectOutcome(read, { value: 'after' in place ? visible.slice(0, limit) : visible.slice(-limit) }, seen)
}

const readsInbox: Play = async ({ model, real, user, choice }) => {
  const read = await real.ask(user, real.doorOf(user, choice.door), ['ListConversations', {}])
  expectOutcome(read, { value: inboxView(model, user.id) }, (page) => page.conversations.map(seenConversation))
}

const readsReceipts: Play = async ({ model, real, user, conversation, messageId, choice }) => {
  const input = { conversationId: conversation.id, messageId }
  const read = await real.ask(user, real.doorOf(user, choice.door), ['GetReceipts', input])
  expectReceipts(model, { conversation, userId: user.id, messageId }, read)
}

const readsEdits: Play = async ({ real, user, conversation, messageId, choice }) => {
  const input = { conversationId: conversation.id, messageId }
  const read = await real.ask(user, real.doorOf(user, choice.door), ['ListEdits', input])
  const found = find(conversation, user.id, messageId)
  const seen = 'value' in found ? { value: found.value.message.edits } : found
  expectOutcome(read, seen, ({ edits }) => edits.map(({ text, mentions }) => ({ text, mentions })))
}

/** As a client that has been away since any version would, or one that has never been there. */
const syncs: Play = async ({ model, real, user, choice }) => {
  const versions = model.conversations
    .filter((_, index) => (choice.number + index) % 3 !== 0)
    .map(({ id, version }) => ({ id, version: choice.message % (version + 1) }))
  const answer = await real.ask(user, real.doorOf(user, choice.door), ['Sync', { conversations: versions }])
  if ('refused' in answer) return expect(answer).toEqual('an answer')
  expectCaughtUp(model, user.id, { knowledge: { versions, reads: new Map(), since: null }, answer: answer.value })
}

export const reading = {
  readHistory: step('read history', readsHistory),
  readInbox: step('read the inbox', readsInbox),
  readReceipts: step('read receipts', readsReceipts),
  readEdits: step('read edits', readsEdits),
  sync: step('sync', syncs),
  readAll: step('read everything', ({ model, real }) => expectAll(model, real)),
}
