import { z } from 'zod'
import { ConversationId, Counter, MessageId, UploadId, UserId } from '../ids.ts'
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
  input: z.strictObject({
    conversationId: ConversationId,
    id: MessageId,
    text: text(limits.messageCharacters),
    replyTo: MessageId.nullable().optional(),
    mentions: z.array(UserId).max(limits.mentionsPerMessage).optional(),
    attachments: z.array(UploadId).max(limits.attachmentsPerMessage).optional(),
  }),
  output: SentMessage,
  errors: ['not_a_member', 'reply_not_found', 'mention_not_a_member', 'message_id_conflict', 'message_id_out_of_range'],
})

export const GetMessages = operation({
  summary:
    'Messages of a conversation in ascending order: those before or after a sequence, or the newest when neither is named. A page of long messages ends early: read on until one is empty.',
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
  errors: ['not_a_member'],
})
