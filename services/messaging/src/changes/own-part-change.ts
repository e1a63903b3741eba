import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { findOwnConversation } from '../store/own-conversations.ts'
import type { Db } from '../store/tables.ts'

/** What a member's own devices are told when their own part has changed, as read in the transaction that has changed it. */
export async function ownPartChange(
  db: Db,
  retention: Retention,
  own: { conversationId: string; userId: string; membershipVersion: number },
): Promise<Change> {
  const conversation = await findOwnConversation(db, retention, own)
  if (conversation === undefined) throw new Error('a member does not find their conversation')
  const { userId, membershipVersion } = own
  return { kind: 'own-part-changed', userId, membershipVersion, conversation: { ...conversation, lastMessage: null } }
}
