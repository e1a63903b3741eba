import { ConversationId, Time, UserId } from '@parley/protocol'
import { z } from 'zod'

/** A member types until then, unless it is said again, or has stopped. */
export const TypingNotice = z.object({
  conversationId: ConversationId,
  userId: UserId,
  active: z.boolean(),
  expiresAt: Time,
})
export type TypingNotice = z.infer<typeof TypingNotice>
