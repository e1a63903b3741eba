import { firstCreatedAfter } from './first-sequences.ts'
import type { ConversationRow, Db } from './tables.ts'

/** What is known of a conversation about its first message that is kept. */
export type Keeping = Pick<ConversationRow, 'id' | 'firstKeptSequence' | 'keptFrom' | 'createdAt' | 'lastSequence'>

/** Whether there may be messages that have expired and are not told to have. */
export const mayHaveExpired = ({ keptFrom, createdAt }: Keeping, keptSince: Date): boolean =>
  (keptFrom ?? createdAt) <= keptSince

/** The sequence of the first message that is kept, or would be if there were more, to the millisecond. */
export async function firstKeptSequence(db: Db, conversation: Keeping, keptSince: Date): Promise<number> {
  const { id: conversationId, firstKeptSequence: told, lastSequence } = conversation
  if (!mayHaveExpired(conversation, keptSince)) return told
  const range = { conversationId, from: told, to: lastSequence + 1, past: keptSince }
  return (await firstCreatedAfter(db, [range])).get(conversationId)!
}
