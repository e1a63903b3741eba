import type { BlockChange } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** No gateway asks for what is older: it asks every half minute. */
const KEPT = sql`interval '1 day'`
const FORGOTTEN_AT_ONCE = 100
/** A change is seen when it is committed, and its time was taken before: no transaction takes as long as this. */
const UNDER_WAY_MS = 10_000

/** Notes what has just changed, and forgets a few that are old. */
export async function noteBlockChange(db: Db, change: BlockChange): Promise<void> {
  const changedAt = sql<Date>`clock_timestamp()`
  await db
    .insertInto('blockChanges')
    .values({ ...change, changedAt })
    .onConflict((conflict) => conflict.columns(['userId', 'blockedId']).doUpdateSet({ changedAt }))
    .execute()
  await sql`
    delete from block_changes where (user_id, blocked_id) in (
      select user_id, blocked_id from block_changes where changed_at < clock_timestamp() - ${KEPT}
      limit ${FORGOTTEN_AT_ONCE} for update skip locked)`.execute(db)
}

/** What has changed within this time, by Postgres' clock; ordered by users, after a pair of them. */
export async function listBlockChanges(
  db: Db,
  {
    withinMs,
    after,
    limit,
  }: { withinMs: number; after: Pick<BlockChange, 'userId' | 'blockedId'> | undefined; limit: number },
): Promise<BlockChange[]> {
  const backMs = withinMs + UNDER_WAY_MS
  return db
    .selectFrom('blockChanges')
    .select(['userId', 'blockedId', 'conversationId'])
    .where('changedAt', '>=', sql<Date>`clock_timestamp() - ${backMs} * interval '1 millisecond'`)
    .$if(after !== undefined, (query) =>
      query.where((eb) => eb(eb.refTuple('userId', 'blockedId'), '>', eb.tuple(after!.userId, after!.blockedId))),
    )
    .orderBy('userId')
    .orderBy('blockedId')
    .limit(limit)
    .execute()
}
