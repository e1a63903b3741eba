import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface Relation {
  readonly userId: string
  /** They have a direct conversation. */
  readonly isContact: boolean
}

/** Of these users, those who share a conversation with one now, unless one of the two has blocked the other. */
export function findRelations(db: Db, userId: string, otherIds: readonly string[]): Promise<Relation[]> {
  return db
    .selectFrom('members as own')
    .innerJoin('members as other', 'other.conversationId', 'own.conversationId')
    .innerJoin('conversations', 'conversations.id', 'own.conversationId')
    .select(['other.userId', sql<boolean>`bool_or(conversations.kind = 'direct')`.as('isContact')])
    .where('own.userId', '=', userId)
    .where('own.leftAt', 'is', null)
    .where('other.userId', '=', sql<string>`any(${otherIds})`)
    .where('other.leftAt', 'is', null)
    .groupBy('other.userId')
    .having(
      sql<boolean>`not exists (
        select from blocks
        where (user_id = ${userId} and blocked_id = other.user_id) or (user_id = other.user_id and blocked_id = ${userId}))`,
    )
    .execute()
}
