import { v5 } from 'uuid'

/** Fixed for ever: another namespace would give every pair a second conversation. */
const NAMESPACE = '6f0c1b54-0a3e-5d7c-9b21-7a4d4f3c8e10'

/** The same pair has the same conversation, whoever creates it and however many do at once. */
export function directConversationId(oneUserId: string, otherUserId: string): string {
  return v5([oneUserId, otherUserId].toSorted().join(':'), NAMESPACE)
}

/** UUIDs of version 5 are kept for direct conversations: else a group could sit on the id of somebody's direct one. */
export const isReservedForDirect = (conversationId: string): boolean => conversationId[14] === '5'
