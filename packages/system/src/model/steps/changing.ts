import type { Message } from '@parley/protocol'
import { expectOutcome } from '../expect-reads.ts'
import type { ModelMessage } from '../model-conversation.ts'
import { edit, react, remove } from '../model-messages.ts'
import type { Outcome } from '../outcome.ts'
import { seenMessage } from '../seen.ts'
import { messageView } from '../views.ts'
import { step, type Play } from './step.ts'

const EMOJI = ['👍', '🎉', '👩‍👩‍👧']

function expectMessage(actual: Outcome<Message>, expected: Outcome<ModelMessage>): void {
  const seen = 'value' in expected ? { value: messageView(expected.value) } : expected
  expectOutcome(actual, seen, seenMessage)
}

/** Mostly by who may: its author. */
const edits: Play = async ({ model, real, user, other, conversation, messageId, choice }) => {
  const by = choice.number % 4 === 1 ? user : (real.users.find(({ id }) => id === model.senderOf(messageId)) ?? user)
  const change = {
    messageId,
    text: `edited ${choice.number % 3}`,
    ...((choice.flag || choice.number % 2 === 0) && { mentions: choice.number % 3 === 0 ? [] : [other.id] }),
  }
  const input = { conversationId: conversation.id, ...change }
  const edited = await real.ask(by, real.doorOf(by, choice.door), ['EditMessage', input])
  expectMessage(edited, edit(conversation, by.id, change))
}

const reacts =
  (wanted: boolean): Play =>
  async ({ real, user, conversation, messageId, choice }) => {
    const emoji = EMOJI[choice.number % EMOJI.length]!
    const input = { conversationId: conversation.id, messageId, emoji }
    const operation = wanted ? 'AddReaction' : 'RemoveReaction'
    const reacted = await real.ask(user, real.doorOf(user, choice.door), [operation, input])
    expectMessage(reacted, react(conversation, user.id, { messageId, emoji, wanted }))
  }

export const changing = {
  edit: step('edit', edits),
  delete: step('delete', async ({ real, user, conversation, messageId, choice }) => {
    const input = { conversationId: conversation.id, messageId }
    const deleted = await real.ask(user, real.doorOf(user, choice.door), ['DeleteMessage', input])
    expectMessage(deleted, remove(conversation, user.id, messageId))
  }),
  react: step('react', reacts(true)),
  unreact: step('take a reaction back', reacts(false)),
}
