import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface Artifact {
  readonly payload: Record<string, unknown>
  readonly consumedAt: Date | null
}

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

export async function deleteArtifactsOfGrant(db: Db, type: string, grantId: string): Promise<void> {
  await db.deleteFrom('oauthArtifacts').where('type', '=', type).where('grantId', '=', grantId).execute()
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
