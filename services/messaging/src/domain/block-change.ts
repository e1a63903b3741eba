import type { BlockChange } from '@parley/contracts'
import { directConversationId } from './direct-conversation.ts'

export const blockChange = (userId: string, blockedId: string): BlockChange => ({
  userId,
  blockedId,
  conversationId: directConversationId(userId, blockedId),
})
