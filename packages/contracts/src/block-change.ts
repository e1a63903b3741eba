import { ConversationId, UserId } from '@parley/protocol'
import { z } from 'zod'

/** A user has blocked another, or does so no more: which of the two is to be asked. */
export const BlockChange = z.object({
  userId: UserId,
  blockedId: UserId,
  /** The direct conversation of the two, whether there is one or not. */
  conversationId: ConversationId,
})
export type BlockChange = z.infer<typeof BlockChange>
