import { sql } from 'kysely'
import type { Db, DbTransaction } from './tables.ts'

export interface NewSession {
  readonly id: string
  readonly userId: string
  readonly client: string
  readonly external: boolean
  readonly name: string | null
}

export interface EndedSession {
  readonly id: string
  readonly userId: string
  readonly client: string
  readonly external: boolean
}

/** Its last use is written at most so often. */
const USE_EVERY_MINUTES = 10
/** Nothing that the provider gives out for a session lives longer unused. */
const UNUSED_DAYS = 181
/** So long after its end it can still be told why a session is no more. */
const ENDED_DAYS = 31

/** One that was there before stays, with the name of now where there is one, and was used now: unless it has `ended`. */
export async function insertSession(
  transaction: DbTransaction,
  session: NewSession,
): Promise<'begun' | 'open' | 'ended'> {
  const { numInsertedOrUpdatedRows: inserted } = await transaction
    .insertInto('sessions')
    .values({ ...session, endedAt: null, endReason: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow()
  if (inserted === 1n) return 'begun'
  const { numUpdatedRows: updated } = await transaction
    .updateTable('sessions')
    .set((eb) => ({
      lastUsedAt: sql<Date>`clock_timestamp()`,
      name: eb.fn.coalesce(eb.val(session.name), 'name'),
    }))
    .where('id', '=', session.id)
    .where('endedAt', 'is', null)
    .executeTakeFirstOrThrow()
  return updated === 1n ? 'open' : 'ended'
}

export async function findSessionOwner(db: Db, sessionId: string): Promise<string | undefined> {
  const row = await db.selectFrom('sessions').select('userId').where('id', '=', sessionId).executeTakeFirst()
  return row?.userId
}

/** Notes that it was used now, unless that was noted lately. */
export async function noteUse(db: Db, sessionId: string): Promise<'open' | 'ended' | 'unknown'> {
  const session = await db
    .selectFrom('sessions')
    .select([
      'endedAt',
      sql<boolean>`last_used_at < clock_timestamp() - ${USE_EVERY_MINUTES} * interval '1 minute'`.as('isLongAgo'),
    ])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined) return 'unknown'
  if (session.isLongAgo) {
    await db
      .updateTable('sessions')
      .set({ lastUsedAt: sql<Date>`clock_timestamp()` })
      .where('id', '=', sessionId)
      .execute()
  }
  return session.endedAt === null ? 'open' : 'ended'
}

/** Those of them that had not ended. Of several who end one at once, one gets it. */
export async function endSessions(
  transaction: DbTransaction,
  sessionIds: readonly string[],
  reason: string,
): Promise<EndedSession[]> {
  if (sessionIds.length === 0) return []
  // Locked in the order of their ids: who ends several and who ends others wait for each other in one direction only.
  const open = await transaction
    .selectFrom('sessions')
    .select('id')
    .where('id', 'in', sessionIds)
    .where('endedAt', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  if (open.length === 0) return []
  return await transaction
    .updateTable('sessions')
    .set({ endedAt: sql<Date>`clock_timestamp()`, endReason: reason })
    .where(
      'id',
      'in',
      open.map(({ id }) => id),
    )
    .returning(['id', 'userId', 'client', 'external'])
    .execute()
}

export async function listOpenSessionIds(
  db: Db,
  userId: string,
  options: { except: string | null; limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('userId', '=', userId)
    .where('endedAt', 'is', null)
    .$if(options.except !== null, (query) => query.where('id', '!=', options.except!))
    .orderBy('id')
    .limit(options.limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** The last used first. */
export async function listOpenSessions(db: Db, userId: string, limit: number) {
  return await db
    .selectFrom('sessions')
    .select(['id', 'client', 'name', 'createdAt', 'lastUsedAt'])
    .where('userId', '=', userId)
    .where('endedAt', 'is', null)
    .orderBy('lastUsedAt', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function isOpenSessionOf(db: Db, userId: string, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', sessionId)
    .where('userId', '=', userId)
    .where('endedAt', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** Removes at most `limit` that ended or were used long ago, and says how many. Several instances can do it at once. */
export async function deleteOldSessions(db: Db, limit: number): Promise<number> {
  const old = (column: 'ended_at' | 'last_used_at', days: number) =>
    sql`${sql.ref(column)} < clock_timestamp() - ${days} * interval '1 day'`
  const { numAffectedRows } = await sql`
    delete from sessions where id in (
      select id from sessions
      where ${old('last_used_at', UNUSED_DAYS)} or (${old('ended_at', ENDED_DAYS)} and ${old('last_used_at', ENDED_DAYS)})
      limit ${limit} for update skip locked)`.execute(db)
  return Number(numAffectedRows)
}
