import { recordOf, type EventRecord } from '@parley/bus'
import { media } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Findings, RejectedReason } from '@parley/protocol'
import { sql } from 'kysely'
import { uploadOf } from './upload-of.ts'
import { findUpload } from './uploads.ts'
import type { Db, UploadRow } from './tables.ts'

export type Verdict =
  | { readonly state: 'ready'; readonly type: string; readonly size: number; readonly findings: Findings }
  | { readonly state: 'rejected'; readonly reason: RejectedReason }

/** Checks that are due, for this process alone for `leaseMs`, the longest due first. */
export function claimChecks(db: Db, most: number, leaseMs: number): Promise<UploadRow[]> {
  return db
    .updateTable('uploads')
    .set(({ eb }) => ({ checkAt: inMs(leaseMs), checkAttempts: eb('checkAttempts', '+', 1) }))
    .where('id', 'in', (query) =>
      query
        .selectFrom('uploads')
        .select('id')
        .where('state', '=', 'checking')
        .where('checkAt', '<=', sql<Date>`clock_timestamp()`)
        .orderBy('checkAt')
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute()
}

/** They are still being checked here. */
export async function extendChecks(db: Db, ids: readonly string[], leaseMs: number): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('uploads')
    .set({ checkAt: inMs(leaseMs) })
    .where('id', 'in', ids)
    .where('state', '=', 'checking')
    .execute()
}

const SOONEST_MS = 1_000
const LATEST_MS = 60_000

/** It could not be told, through no fault of the file: later again, the later the longer it takes already. */
export async function postponeCheck(db: Db, id: string): Promise<void> {
  await db
    .updateTable('uploads')
    .set({
      checkAttempts: 0,
      checkAt: sql<Date>`clock_timestamp() + least(
        greatest((clock_timestamp() - created_at) / 10, ${SOONEST_MS} * interval '1 ms'), ${LATEST_MS} * interval '1 ms')`,
    })
    .where('id', '=', id)
    .where('state', '=', 'checking')
    .execute()
}

/**
 * The first verdict counts: the upload as it is then, and the event to be sent if this was the first. Undefined when there is
 * no such upload any more.
 */
export async function settle(
  db: Db,
  id: string,
  verdict: Verdict,
): Promise<{ upload: UploadRow | undefined; events: OutboxRow<EventRecord>[] }> {
  return db.transaction().execute(async (transaction) => {
    const row = await transaction
      .updateTable('uploads')
      .set({
        ...(verdict.state === 'ready'
          ? { state: 'ready', type: verdict.type, size: verdict.size, ...verdict.findings }
          : { state: 'rejected', rejectedReason: verdict.reason }),
        settledAt: sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', id)
      .where('state', '=', 'checking')
      .returningAll()
      .executeTakeFirst()
    if (!row) return { upload: await findUpload(transaction, id), events: [] }
    return { upload: row, events: [await writeOutbox(transaction, [eventOf(row)])] }
  })
}

/** What there is to check, and for how long at most: for metrics. */
export async function measureChecks(db: Db): Promise<{ uploads: number; oldestSeconds: number }> {
  const { uploads, oldestSeconds } = await db
    .selectFrom('uploads')
    .select(({ fn }) => fn.countAll<number>().as('uploads'))
    .select(sql<number>`coalesce(max(extract(epoch from clock_timestamp() - created_at)), 0)`.as('oldestSeconds'))
    .where('state', '=', 'checking')
    .executeTakeFirstOrThrow()
  return { uploads: Number(uploads), oldestSeconds: Number(oldestSeconds) }
}

export function findUploads(db: Db, ids: readonly string[]): Promise<UploadRow[]> {
  return db.selectFrom('uploads').selectAll().where('id', 'in', ids).execute()
}

function eventOf(row: UploadRow): EventRecord {
  const { rejectedReason: reason } = row
  const uploadedBy = row.uploadedBy!
  const upload = uploadOf(row)
  return reason === null
    ? recordOf(media.events.mediaReady, {}, { upload, uploadedBy })
    : recordOf(media.events.mediaRejected, {}, { upload, uploadedBy, reason })
}

const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 ms'`
