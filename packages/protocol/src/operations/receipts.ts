import { z } from 'zod'
import { ConversationId, Counter, MessageId, Time, UserId } from '../ids.ts'
import { operation } from '../operation.ts'

const mark = z.strictObject({ conversationId: ConversationId, sequence: Counter })

export const MarkDelivered = operation({
  summary:
    "The caller's device has all messages up to this one. Marks only rise. On the hub they are gathered and kept a little later: repeat the last one after connecting again.",
  hub: 'MarkDelivered',
  input: mark,
  output: z.object({}),
  errors: ['not_a_member'],
})

export const MarkRead = operation({
  summary: 'The caller has read all messages up to this one, which says that they were delivered too.',
  hub: 'MarkRead',
  input: mark,
  output: z.object({}),
  errors: ['not_a_member'],
})

export const MarkReceipts = operation({
  summary: 'The same by REST: what is named was delivered, or read. It is kept when the answer comes.',
  rest: 'POST /conversations/{conversationId}/receipts',
  input: z.strictObject({
    conversationId: ConversationId,
    deliveredSequence: Counter.optional(),
    readSequence: Counter.optional(),
  }),
  output: z.object({}),
  errors: ['not_a_member'],
})

export const GetReceipts = operation({
  summary:
    'Who has a message, and who has read it, and when at the latest; without its sender. Where `capabilities.receipts` says `counts` there are only the counts.',
  hub: 'GetReceipts',
  rest: 'GET /conversations/{conversationId}/messages/{messageId}/receipts',
  input: z.strictObject({ conversationId: ConversationId, messageId: MessageId }),
  output: z.object({
    receipts: z.array(z.object({ userId: UserId, deliveredAt: Time.nullable(), readAt: Time.nullable() })),
    deliveredCount: Counter,
    readCount: Counter,
    /** Of those who could: members since before the message, without its sender. */
    memberCount: Counter,
  }),
  errors: ['not_a_member', 'message_not_found'],
})
