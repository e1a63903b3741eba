import { z } from 'zod'
import { ConversationId, Counter, Emoji, MessageId, Time, UploadId, UserId } from '../ids.ts'
import { limits } from '../limits.ts'
import { Message } from '../objects.ts'
import { operation } from '../operation.ts'
import { text } from '../text.ts'

/** A message as its sender gets it: `duplicate` says that a retry was answered with the first result. */
export const SentMessage = Message.extend({ duplicate: z.boolean() }).meta({ id: 'SentMessage' })
export type SentMessage = z.infer<typeof SentMessage>

export const SendMessage = operation({
  summary:
    'Sends a message. Its id, a UUIDv7, is made before the first attempt and kept over retries: however often it is sent, it is stored once.',
  hub: 'SendMessage',
  rest: 'POST /conversations/{conversationId}/messages',
  input: z
    .strictObject({
      conversationId: ConversationId,
      id: MessageId,
      /** May be empty beside attachments. */
      text: text(limits.messageCharacters, { min: 0 }),
      replyTo: MessageId.nullable().optional(),
      mentions: z.array(UserId).max(limits.mentionsPerMessage).optional(),
      /** Uploads of the sender for this conversation that are ready, and part of no other message. */
      attachments: z.array(UploadId).max(limits.attachmentsPerMessage).optional(),
    })
    .refine((input) => input.text !== '' || (input.attachments ?? []).length > 0, {
      path: ['text'],
      error: 'must not be empty',
    }),
  output: SentMessage,
  errors: [
    'not_a_member',
    'forbidden',
    'conversation_archived',
    'direct_blocked',
    'reply_not_found',
    'mention_not_a_member',
    'message_id_conflict',
    'message_id_out_of_range',
    'upload_not_found',
    'upload_not_received',
    'upload_rejected',
  ],
})

export const GetMessages = operation({
  summary:
    'Messages of a conversation in ascending order: those before or after a sequence, or the newest when neither is named. A page of long messages ends early: read on until one is empty. From a place before the first message that is kept it refuses with `history_expired`.',
  hub: 'GetMessages',
  rest: 'GET /conversations/{conversationId}/messages',
  input: z
    .strictObject({
      conversationId: ConversationId,
      before: Counter.optional(),
      after: Counter.optional(),
      limit: z.int().min(1).max(limits.pageSize).optional(),
    })
    .refine((input) => input.before === undefined || input.after === undefined, {
      error: 'name before or after, not both',
    }),
  output: z.object({ messages: z.array(Message) }),
  errors: ['not_a_member', 'history_expired'],
})

const message = { conversationId: ConversationId, messageId: MessageId }

export const EditMessage = operation({
  summary: "Changes the text of one's own message, and whom it mentions. What it said before can be read in its edits.",
  hub: 'EditMessage',
  rest: 'PATCH /conversations/{conversationId}/messages/{messageId}',
  input: z.strictObject({
    ...message,
    /** May be empty beside attachments. */
    text: text(limits.messageCharacters, { min: 0 }),
    mentions: z.array(UserId).max(limits.mentionsPerMessage).optional(),
  }),
  output: Message,
  errors: [
    'not_a_member',
    'message_not_found',
    'forbidden',
    'conversation_archived',
    'direct_blocked',
    'mention_not_a_member',
  ],
})

export const DeleteMessage = operation({
  summary:
    "Deletes one's own message or, as owner or admin, anybody's. Its place stays, with nothing in it; so a retry is safe.",
  hub: 'DeleteMessage',
  rest: 'DELETE /conversations/{conversationId}/messages/{messageId}',
  input: z.strictObject(message),
  output: Message,
  errors: ['not_a_member', 'message_not_found', 'forbidden'],
})

export const ListEdits = operation({
  summary:
    'What a message said before, oldest first, each with the time at which it was replaced. Of many the latest, as many as a page has.',
  hub: 'ListEdits',
  rest: 'GET /conversations/{conversationId}/messages/{messageId}/edits',
  input: z.strictObject(message),
  output: z.object({
    edits: z.array(z.object({ text: z.string(), mentions: z.array(UserId), replacedAt: Time })),
  }),
  errors: ['not_a_member', 'message_not_found'],
})

export const AddReaction = operation({
  summary: 'Reacts to a message. A user may give several different emoji, each once; so a retry is safe.',
  hub: 'AddReaction',
  rest: 'PUT /conversations/{conversationId}/messages/{messageId}/reactions/{emoji}',
  input: z.strictObject({ ...message, emoji: Emoji }),
  output: Message,
  errors: ['not_a_member', 'message_not_found', 'conversation_archived', 'direct_blocked', 'too_many_emoji'],
})

export const RemoveReaction = operation({
  summary: "Takes one's own reaction back. One that is not there stays so.",
  hub: 'RemoveReaction',
  rest: 'DELETE /conversations/{conversationId}/messages/{messageId}/reactions/{emoji}',
  input: z.strictObject({ ...message, emoji: Emoji }),
  output: Message,
  errors: ['not_a_member', 'message_not_found', 'conversation_archived'],
})
