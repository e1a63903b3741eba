import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface Artifact {
  readonly payload: Record<string, unknown>
  readonly consumedAt: Date | null
}

/** The provider's name for refresh tokens, which are kept differently from all else. */
export const REFRESH_TOKEN = 'RefreshToken'

/** How long an expired row stays: longer than the clocks of two instances differ. */
const EXPIRED_FOR_SECONDS = 60

export async function upsertArtifact(
  db: Db,
  key: { type: string; id: string },
  values: {
    payload: object
    expiresInSeconds: number | null
    grantId: string | null
    uid: string | null
    userCode: string | null
  },
): Promise<void> {
  const { payload, expiresInSeconds, ...indexed } = values
  const row = {
    ...indexed,
    payload: JSON.stringify(payload),
    expiresAt:
      expiresInSeconds === null ? null : sql<Date>`clock_timestamp() + ${expiresInSeconds} * interval '1 second'`,
  }
  await db
    .insertInto('oauthArtifacts')
    .values({ ...key, ...row, consumedAt: null })
    .onConflict((conflict) => conflict.columns(['type', 'id']).doUpdateSet(row))
    .execute()
}

/**
 * One that is there already stays as it is, spent or not: several may store the same token at once. From now on it is known of
 * its predecessor that somebody can have got it.
 */
export async function insertRefreshToken(
  db: Db,
  id: string,
  values: { payload: object; expiresInSeconds: number; grantId: string | null; predecessorId: string | null },
): Promise<void> {
  const { payload, expiresInSeconds, grantId, predecessorId } = values
  await sql`
    with predecessor as (
      update oauth_artifacts set payload = payload || '{"succeeded": true}'
      where type = ${REFRESH_TOKEN} and id = ${predecessorId})
    insert into oauth_artifacts (type, id, payload, expires_at, grant_id)
    values (${REFRESH_TOKEN}, ${id}, ${JSON.stringify(payload)},
      clock_timestamp() + ${expiresInSeconds} * interval '1 second', ${grantId})
    on conflict (type, id) do nothing`.execute(db)
}

/**
 * Without `consumedAt` while it can be shown again: for `forgivenSeconds` after its first use, and for as long as no successor
 * was stored, because then nobody has got one.
 */
export async function findRefreshToken(db: Db, id: string, forgivenSeconds: number): Promise<Artifact | undefined> {
  const isSpent = sql<boolean>`
    consumed_at <= clock_timestamp() - ${forgivenSeconds} * interval '1 second'
    and payload ? 'succeeded'`
  return await db
    .selectFrom('oauthArtifacts')
    .select(['payload', sql<Date | null>`case when ${isSpent} then consumed_at end`.as('consumedAt')])
    .where('type', '=', REFRESH_TOKEN)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Notes its first use. False when it is not there. */
export async function consumeRefreshToken(db: Db, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('oauthArtifacts')
    .set({ consumedAt: sql<Date>`coalesce(consumed_at, clock_timestamp())` })
    .where('type', '=', REFRESH_TOKEN)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

export async function findArtifact(
  db: Db,
  type: string,
  column: 'id' | 'uid' | 'userCode',
  value: string,
): Promise<Artifact | undefined> {
  return await db
    .selectFrom('oauthArtifacts')
    .select(['payload', 'consumedAt'])
    .where('type', '=', type)
    .where(column, '=', value)
    .executeTakeFirst()
}

/** False when it was consumed before, or is not there: of several at once, one wins. */
export async function consumeArtifact(db: Db, type: string, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('oauthArtifacts')
    .set({ consumedAt: sql<Date>`clock_timestamp()` })
    .where('type', '=', type)
    .where('id', '=', id)
    .where('consumedAt', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

export async function deleteArtifact(db: Db, type: string, id: string): Promise<void> {
  await db.deleteFrom('oauthArtifacts').where('type', '=', type).where('id', '=', id).execute()
}

/** Removes at most `limit` rows that have expired, and says how many. Several instances can do it at once. */
export async function deleteExpiredArtifacts(db: Db, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from oauth_artifacts where (type, id) in (
      select type, id from oauth_artifacts
      where expires_at < clock_timestamp() - ${EXPIRED_FOR_SECONDS} * interval '1 second'
      limit ${limit} for update skip locked)`.execute(db)
  return Number(numAffectedRows)
}
