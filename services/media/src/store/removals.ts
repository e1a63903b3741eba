import { sql } from 'kysely'
import type { Db, UploadRow } from './tables.ts'

/** Uploads whose objects are to be removed, for this process alone for `leaseMs`. */
export function claimRemovals(db: Db, most: number, leaseMs: number): Promise<UploadRow[]> {
  return db
    .updateTable('uploads')
    .set({ removalHeldUntil: inMs(leaseMs) })
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', 'in', ['deleted', 'rejected'])
        .where('removedAt', 'is', null)
        .where((eb) => eb.or([eb('removeAt', 'is', null), eb('removeAt', '<=', now)]))
        .where((eb) => eb.or([eb('removalHeldUntil', 'is', null), eb('removalHeldUntil', '<=', now)]))
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
      removalHeldUntil: null,
    })
    .where('id', 'in', ids)
    .execute()
}

const SOONEST_MS = 10_000
const LATEST_MS = 10 * 60_000

/** Its objects could not be removed: later again, the later the longer it takes already. */
export async function postponeRemoval(db: Db, id: string): Promise<void> {
  await db
    .updateTable('uploads')
    .set({
      removalHeldUntil: sql<Date>`clock_timestamp() + least(
        greatest((clock_timestamp() - ${dueAt}) / 10, ${SOONEST_MS} * interval '1 ms'), ${LATEST_MS} * interval '1 ms')`,
    })
    .where('id', '=', id)
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
    .select(sql<number>`coalesce(max(extract(epoch from clock_timestamp() - ${dueAt})), 0)`.as('oldestSeconds'))
    .where('state', 'in', ['deleted', 'rejected'])
    .where('removedAt', 'is', null)
    .where((eb) => eb.or([eb('removeAt', 'is', null), eb('removeAt', '<=', now)]))
    .executeTakeFirstOrThrow()
  return { uploads: Number(uploads), oldestSeconds: Number(oldestSeconds) }
}

const dueAt = sql<Date>`coalesce(remove_at, deleted_at, settled_at)`
const now = sql<Date>`clock_timestamp()`
const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 ms'`
