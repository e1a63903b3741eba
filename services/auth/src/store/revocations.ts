import type { Revocation } from '@parley/contracts'
import { sql, type Selectable } from 'kysely'
import type { Db, DbTransaction, RevocationsTable } from './tables.ts'

export interface NewRevocation {
  readonly userId: string
  readonly sessionId?: string
  readonly tokenId?: string
  /** How long it has to be known. */
  readonly forSeconds: number
}

const inSeconds = (seconds: number) => sql<Date>`clock_timestamp() + ${seconds} * interval '1 second'`

/**
 * Numbers them one after the other. All others who revoke wait from here until COMMIT: so nobody who has seen a position can
 * have missed a lower one. To be the last thing in a transaction. Runs into `revocations_token_id` when the token was revoked
 * before.
 */
export async function insertRevocations(
  transaction: DbTransaction,
  revocations: readonly NewRevocation[],
): Promise<Revocation[]> {
  const count = revocations.length
  if (count === 0) return []
  // One statement: the counter is locked for as short as can be.
  const { rows } = await sql<Selectable<RevocationsTable>>`
    with counter as (update revocation_counter set position = position + ${count} returning position)
    insert into revocations (position, user_id, session_id, token_id, at, forgotten_at)
    select counter.position - ${count} + place, user_id, session_id, token_id,
      clock_timestamp(), clock_timestamp() + for_seconds * interval '1 second'
    from counter, unnest(
      ${revocations.map(({ userId }) => userId)}::uuid[],
      ${revocations.map(({ sessionId = null }) => sessionId)}::text[],
      ${revocations.map(({ tokenId = null }) => tokenId)}::text[],
      ${revocations.map(({ forSeconds }) => forSeconds)}::integer[]
    ) with ordinality as given (user_id, session_id, token_id, for_seconds, place)
    returning *`.execute(transaction)
  return rows.map(revocationOf).toSorted((a, b) => a.position - b.position)
}

/** Of the newest revocation there ever was; 0 without any. */
export async function newestPosition(db: Db): Promise<number> {
  const { position } = await db.selectFrom('revocationCounter').select('position').executeTakeFirstOrThrow()
  return position
}

/** In order, and without those that are good to forget. */
export async function listRevocationsAfter(db: Db, position: number, limit: number): Promise<Revocation[]> {
  const rows = await db
    .selectFrom('revocations')
    .selectAll()
    .where('position', '>', position)
    .where('forgottenAt', '>', sql<Date>`clock_timestamp()`)
    .orderBy('position')
    .limit(limit)
    .execute()
  return rows.map(revocationOf)
}

/** Whether gateways will refuse the session's tokens for as long as that. */
export async function isSessionRevokedFor(db: Db, sessionId: string, seconds: number): Promise<boolean> {
  const row = await db
    .selectFrom('revocations')
    .select('position')
    .where('sessionId', '=', sessionId)
    .where('forgottenAt', '>=', inSeconds(seconds))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Removes at most `limit`, and says how many. Several instances can do it at once. */
export async function deleteForgottenRevocations(db: Db, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from revocations where position in (
      select position from revocations where forgotten_at < clock_timestamp() - interval '1 minute'
      order by forgotten_at limit ${limit} for update skip locked)`.execute(db)
  return Number(numAffectedRows)
}

function revocationOf(row: Selectable<RevocationsTable>): Revocation {
  const { position, userId, sessionId, tokenId, at, forgottenAt } = row
  return {
    position,
    userId,
    ...(sessionId !== null && { sessionId }),
    ...(tokenId !== null && { tokenId }),
    at: at.toISOString(),
    forgottenAt: forgottenAt.toISOString(),
  }
}
