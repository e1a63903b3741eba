import type { ConversationRow, Db, MemberRow } from './tables.ts'

/** A member, with what there is to know of the conversation to tell what they may see of it. */
export type Reader = Pick<MemberRow, 'userId' | 'visibleFromSequence'> &
  Pick<
    ConversationRow,
    | 'kind'
    | 'messageDays'
    | 'fileDays'
    | 'firstKeptSequence'
    | 'keptFrom'
    | 'filesKeptFrom'
    | 'createdAt'
    | 'lastSequence'
    | 'memberCount'
  >

/** Undefined for who is not a member now. */
export async function findReader(db: Db, conversationId: string, userId: string): Promise<Reader | undefined> {
  return db
    .selectFrom('members')
    .innerJoin('conversations', 'conversations.id', 'members.conversationId')
    .select([
      'members.userId',
      'members.visibleFromSequence',
      'conversations.kind',
      'conversations.messageDays',
      'conversations.fileDays',
      'conversations.firstKeptSequence',
      'conversations.keptFrom',
      'conversations.filesKeptFrom',
      'conversations.createdAt',
      'conversations.lastSequence',
      'conversations.memberCount',
    ])
    .where('members.conversationId', '=', conversationId)
    .where('members.userId', '=', userId)
    .where('members.leftAt', 'is', null)
    .executeTakeFirst()
}
