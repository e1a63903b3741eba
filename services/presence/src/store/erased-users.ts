import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** What is not told yet of a chosen status goes with it. */
export async function forgetUser(db: Db, userId: string): Promise<{ statuses: number; lastSeen: number }> {
  return db.transaction().execute(async (transaction) => {
    const statuses = await transaction.deleteFrom('statuses').where('userId', '=', userId).executeTakeFirst()
    const lastSeen = await transaction.deleteFrom('lastSeen').where('userId', '=', userId).executeTakeFirst()
    await transaction
      .deleteFrom('outbox')
      .where(sql<boolean>`events @> ${JSON.stringify([{ userId }])}::jsonb`)
      .execute()
    return { statuses: Number(statuses.numDeletedRows), lastSeen: Number(lastSeen.numDeletedRows) }
  })
}

/** Rows that say something of users who are erased, and what was not told for so long that something must be wrong. */
export async function listRemainsOf(
  db: Db,
  userIds: readonly string[],
  limit: number,
): Promise<{ what: string; id: string }[]> {
  const { rows } = await sql<{ what: string; id: string }>`
    with erased as (select unnest(${userIds}::uuid[]) as user_id)
    select 'status' as what, user_id::text as id from statuses join erased using (user_id)
    union all
    select 'time last seen', user_id::text from last_seen join erased using (user_id)
    union all
    select 'status that was not told', id::text from outbox where created_at < clock_timestamp() - interval '1 hour'
    limit ${limit}`.execute(db)
  return rows
}
