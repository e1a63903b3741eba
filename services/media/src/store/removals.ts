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

/** For how long something of an upload may still be written. */
export interface Writable {
  /** After its reservation: by who has a form or links. */
  readonly writableMs: number
  /** After it was settled, or deleted before that: by who was joining its parts or checking it. */
  readonly settlingMs: number
}

/**
 * Nothing is left of them now. What is still under way could bring something back: once it cannot any longer, they are removed
 * again, and that is the end of it.
 */
export async function noteRemoved(db: Db, ids: readonly string[], { writableMs, settlingMs }: Writable): Promise<void> {
  if (ids.length === 0) return
  const writableUntil = sql<Date>`greatest(
    created_at + ${writableMs} * interval '1 ms',
    coalesce(settled_at, deleted_at) + ${settlingMs} * interval '1 ms')`
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

/** Nobody is at them any more. */
export async function releaseRemovals(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.updateTable('uploads').set({ removalHeldUntil: null }).where('id', 'in', ids).execute()
}

/** Nobody asks what became of these, which were part of something; but reservations of a day are counted. */
export async function forgetUsed(db: Db, most: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('uploads')
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', '=', 'deleted')
        .where('removedAt', 'is not', null)
        .where((eb) => eb.or([eb('messageId', 'is not', null), eb('avatarOf', 'is not', null)]))
        .where('createdAt', '<', sql<Date>`clock_timestamp() - interval '24 hours'`)
        .limit(most),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
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
