import { sql } from 'kysely'
import type { Db, UploadRow } from './tables.ts'

/** Uploads whose objects are to be removed, for this process alone for `leaseMs`. */
export function claimRemovals(db: Db, most: number, leaseMs: number): Promise<UploadRow[]> {
  return db
    .updateTable('uploads')
    .set({ removeAt: inMs(leaseMs) })
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', 'in', ['deleted', 'rejected'])
        .where('removedAt', 'is', null)
        .where((eb) => eb.or([eb('removeAt', 'is', null), eb('removeAt', '<=', now)]))
        .orderBy('removeAt', (order) => order.asc().nullsFirst())
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute()
}

/**
 * Nothing is left of them now. Who still may write, by a form or link that has not expired, could bring something back: once
 * nobody may any longer (`writableMs` after the reservation), they are removed again, and that is the end of it.
 */
export async function noteRemoved(db: Db, ids: readonly string[], writableMs: number): Promise<void> {
  if (ids.length === 0) return
  const writableUntil = sql<Date>`created_at + ${writableMs} * interval '1 ms'`
  const isOver = sql<boolean>`${writableUntil} <= clock_timestamp()`
  await db
    .updateTable('uploads')
    .set({
      removedAt: sql<Date | null>`case when ${isOver} then clock_timestamp() end`,
      removeAt: sql<Date | null>`case when ${isOver} then null else ${writableUntil} end`,
    })
    .where('id', 'in', ids)
    .execute()
}

/** Rows of which nothing is left, from before. */
export async function forgetRemoved(db: Db, olderThanMs: number, most: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('uploads')
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', '=', 'deleted')
        .where('removedAt', '<', inMs(-olderThanMs))
        .limit(most),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** What there is to remove now, and for how long at most: for metrics. */
export async function measureRemovals(db: Db): Promise<{ uploads: number; oldestSeconds: number }> {
  const { uploads, oldestSeconds } = await db
    .selectFrom('uploads')
    .select(({ fn }) => fn.countAll<number>().as('uploads'))
    .select(
      sql<number>`coalesce(max(extract(epoch from clock_timestamp() - coalesce(remove_at, deleted_at, settled_at))), 0)`.as(
        'oldestSeconds',
      ),
    )
    .where('state', 'in', ['deleted', 'rejected'])
    .where('removedAt', 'is', null)
    .where((eb) => eb.or([eb('removeAt', 'is', null), eb('removeAt', '<=', now)]))
    .executeTakeFirstOrThrow()
  return { uploads: Number(uploads), oldestSeconds: Number(oldestSeconds) }
}

const now = sql<Date>`clock_timestamp()`
const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 ms'`
