import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** How many messages from a sequence on mention a member who has not read them, by conversation. All places are of one user. */
export async function countUnreadMentions(
  db: Db,
  places: readonly { readonly conversationId: string; readonly userId: string; readonly from: number }[],
): Promise<Map<string, number>> {
  const [first] = places
  if (first === undefined) return new Map()
  const ids = places.map(({ conversationId }) => conversationId)
  const froms = places.map(({ from }) => from)
  const rows = await db
    .selectFrom('unreadMentions')
    .innerJoin(
      sql<{ id: string; first: number }>`unnest(${ids}::uuid[], ${froms}::bigint[])`.as<'given'>(
        sql`given (id, first)`,
      ),
      'given.id',
      'unreadMentions.conversationId',
    )
    .select(['unreadMentions.conversationId', ({ fn }) => fn.countAll<number>().as('mentions')])
    .where('unreadMentions.userId', '=', first.userId)
    .whereRef('unreadMentions.sequence', '>=', 'given.first')
    .groupBy('unreadMentions.conversationId')
    .execute()
  return new Map(rows.map(({ conversationId, mentions }) => [conversationId, mentions]))
}
