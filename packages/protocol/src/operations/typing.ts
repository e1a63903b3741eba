import { z } from 'zod'
import { ConversationId } from '../ids.ts'
import { operation } from '../operation.ts'

const conversation = z.strictObject({ conversationId: ConversationId })

export const StartTyping = operation({
  summary:
    'The caller is typing: to be repeated every 3 s while it is so. Others are told until 7 s after the last one, or until the caller stops or sends. Offered where `capabilities.typing` says so, to those who may write.',
  hub: 'StartTyping',
  input: conversation,
  output: z.object({}),
  errors: ['not_a_member', 'forbidden', 'conversation_archived', 'typing_not_offered'],
})

export const StopTyping = operation({
  summary: 'The caller has stopped typing without sending.',
  hub: 'StopTyping',
  input: conversation,
  output: z.object({}),
  errors: ['not_a_member'],
})
