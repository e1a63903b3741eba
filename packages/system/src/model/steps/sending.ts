import { v7 as uuidv7 } from 'uuid'
import type { Outcome } from '../outcome.ts'
import type { Output } from '../device.ts'
import type { Draft } from '../model-messages.ts'
import { expectOutcome } from '../expect-reads.ts'
import { expect } from 'vitest'
import { seenMessage } from '../seen.ts'
import { messageView } from '../views.ts'
import { step, type Play, type Scene } from './step.ts'

const says =
  (write: (scene: Scene) => Partial<Draft>): Play =>
  async (scene) => {
    const { real, user, conversation, choice } = scene
    const draft: Draft = { id: uuidv7(), text: `text ${choice.number}`, replyTo: null, mentions: [], ...write(scene) }
    expectSent(scene, draft, await real.send(user, real.doorOf(user, choice.door), inputOf(conversation.id, draft)))
  }

/** Again what was sent already, if anything was, by the one who sent it or by another. */
const saysAgain =
  (change: (draft: Draft, scene: Scene) => Draft): Play =>
  async (scene) => {
    const { model, real, user, conversation, choice, messageId } = scene
    const before = model.draftOf(messageId)
    if (before === undefined) return
    const sender = real.users.find(({ id }) => id === model.senderOf(messageId))!
    const by = choice.number % 5 === 1 ? user : sender
    const draft = change(before, scene)
    const sent = await real.ask(by, real.doorOf(by, choice.door), ['SendMessage', inputOf(conversation.id, draft)])
    expectSent({ ...scene, user: by }, draft, sent)
  }

function expectSent({ model, user, conversation }: Scene, draft: Draft, actual: Outcome<Output<'SendMessage'>>): void {
  const expected = model.send(conversation, user.id, draft)
  const seen =
    'value' in expected
      ? { value: { ...messageView(expected.value.message), duplicate: expected.value.isDuplicate } }
      : expected
  expectOutcome(actual, seen, ({ duplicate, ...message }) => ({ ...seenMessage(message), duplicate }))
}

const inputOf = (conversationId: string, { id, text, replyTo, mentions }: Draft) => ({
  conversationId,
  id,
  text,
  ...(replyTo !== null && { replyTo }),
  ...(mentions.length > 0 && { mentions: [...mentions] }),
})

const DAY_MS = 24 * 60 * 60 * 1_000

export const sending = {
  send: step(
    'send',
    says(() => ({})),
  ),
  reply: step(
    'reply',
    says(({ messageId }) => ({ replyTo: messageId })),
  ),
  mention: step(
    'mention',
    says(({ user, other, choice }) => ({ mentions: choice.flag ? [other.id] : [other.id, user.id] })),
  ),
  retry: step(
    'retry',
    saysAgain((draft) => draft),
  ),
  sendOtherText: step(
    'send other text with the same id',
    saysAgain((draft) => ({ ...draft, text: `${draft.text}, or not` })),
  ),
  sendTooOld: step('send with an id from long ago', async ({ real, user, conversation, choice }) => {
    const id = uuidv7({ msecs: Date.now() - DAY_MS - 60_000 })
    const input = { conversationId: conversation.id, id, text: 'late' }
    const sent = await real.ask(user, real.doorOf(user, choice.door), ['SendMessage', input])
    expect(sent).toEqual({ refused: 'message_id_out_of_range' })
  }),
}
