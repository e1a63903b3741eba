import type { Reaction } from '@parley/protocol'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface ReactionPlace {
  readonly messageId: string
  readonly emoji: string
  readonly userId: string
}

/** Returns those that were not there yet. */
export async function insertReactions(db: Db, reactions: readonly ReactionPlace[], at: Date): Promise<ReactionPlace[]> {
  if (reactions.length === 0) return []
  return db
    .insertInto('reactions')
    .values(reactions.map(({ messageId, emoji, userId }) => ({ messageId, emoji, userId, reactedAt: at })))
    .onConflict((conflict) => conflict.columns(['messageId', 'emoji', 'userId']).doNothing())
    .returning(['messageId', 'emoji', 'userId'])
    .execute()
}

/** Returns those that were there. */
export async function deleteReactions(db: Db, reactions: readonly ReactionPlace[]): Promise<ReactionPlace[]> {
  if (reactions.length === 0) return []
  return db
    .deleteFrom('reactions')
    .where((eb) =>
      eb(
        eb.refTuple('messageId', 'emoji', 'userId'),
        'in',
        reactions.map(({ messageId, emoji, userId }) => eb.tuple(messageId, emoji, userId)),
      ),
    )
    .returning(['messageId', 'emoji', 'userId'])
    .execute()
}

/** All of a message, everybody named: emoji in the order of their first use, users in the order in which they reacted. */
export async function readReactions(db: Db, messageId: string): Promise<Reaction[]> {
  return db
    .selectFrom('reactions')
    .select([
      'emoji',
      sql<number>`count(*)::integer`.as('count'),
      sql<string[]>`array_agg(user_id order by reacted_at, user_id)`.as('userIds'),
    ])
    .where('messageId', '=', messageId)
    .groupBy('emoji')
    .orderBy(sql`min(reacted_at)`)
    .orderBy('emoji')
    .execute()
}

/** All that a user has given to these messages. */
export async function deleteReactionsOf(
  db: Db,
  { userId, messageIds }: { userId: string; messageIds: readonly string[] },
): Promise<ReactionPlace[]> {
  if (messageIds.length === 0) return []
  return db
    .deleteFrom('reactions')
    .where('messageId', 'in', messageIds)
    .where('userId', '=', userId)
    .returning(['messageId', 'emoji', 'userId'])
    .execute()
}
