import { sql } from 'kysely'
import type { Db, DbTransaction } from './tables.ts'

/** What stands where a name was. */
const NOBODY = 'Deleted user'

export async function isErased(db: Db, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('erasedAt', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Takes away whatever names a user, and how they could come back as the same one; under the lock under which none of their sessions
 * begins. Answers what was there, and whether this was the first time.
 */
export async function forgetUser(
  transaction: DbTransaction,
  userId: string,
): Promise<{ isFirst: boolean; identities: number }> {
  const { numUpdatedRows } = await transaction
    .updateTable('users')
    .set({ displayName: NOBODY, foldedName: '', avatarUrl: null, erasedAt: sql<Date>`clock_timestamp()` })
    .where('id', '=', userId)
    .where('erasedAt', 'is', null)
    .executeTakeFirstOrThrow()
  await transaction.deleteFrom('laterBeginnings').where('userId', '=', userId).execute()
  const { numDeletedRows } = await transaction
    .deleteFrom('identities')
    .where('userId', '=', userId)
    .executeTakeFirstOrThrow()
  return { isFirst: numUpdatedRows > 0n, identities: Number(numDeletedRows) }
}

/** Of sessions that have ended: on what they ran is nobody's any more. */
export async function forgetSessionNames(db: Db, userId: string): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ name: null })
    .where('userId', '=', userId)
    .where('name', 'is not', null)
    .execute()
}

export interface Remaining {
  readonly what: string
  readonly id: string
}

/** What names users who are erased, or could sign them in, looked for in every table. */
export async function listRemainsOf(db: Db, userIds: readonly string[], limit: number): Promise<Remaining[]> {
  const { rows } = await sql<Remaining>`
    with erased as (select unnest(${userIds}::uuid[]) as user_id)
    select 'profile' as what, id::text as id from users join erased on erased.user_id = users.id
      where display_name <> ${NOBODY} or folded_name <> '' or avatar_url is not null or erased_at is null
    union all
    select 'name to be found by', user_id::text from later_beginnings join erased using (user_id)
    union all
    select 'identity', user_id::text from identities join erased using (user_id)
    union all
    select 'session', sessions.id from sessions join erased using (user_id)
      where ended_at is null or sessions.name is not null
    union all
    select 'sign-in', type || ' ' || user_id from oauth_artifacts
      join erased on erased.user_id::text = payload ->> 'accountId'
    limit ${limit}`.execute(db)
  return rows
}

/** Events that were not told for so long that something must be wrong. */
export async function listStaleOutbox(db: Db, limit: number): Promise<Remaining[]> {
  const { rows } = await sql<Remaining>`
    select 'event that was not told' as what, id::text as id from outbox
    where created_at < clock_timestamp() - interval '1 hour' limit ${limit}`.execute(db)
  return rows
}
