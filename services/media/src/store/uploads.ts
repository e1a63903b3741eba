import { recordOf, type EventRecord } from '@parley/bus'
import { media } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Upload } from '@parley/protocol'
import { sql, type Selectable } from 'kysely'
import type { Db, UploadsTable } from './tables.ts'

export interface StoredUpload {
  readonly upload: Upload
  readonly uploadedBy: string
  /** Which content is checked. Null before anything was there. */
  readonly checkedEtag: string | null
  readonly rejectedReason: string | null
}

export type RejectedReason = 'not_the_declared_size' | 'not_the_declared_type' | 'replaced_while_checked'
export type Verdict = 'ready' | RejectedReason

export async function insertUpload(
  db: Db,
  upload: { id: string; conversationId: string; uploadedBy: string; name: string; type: string; size: number },
): Promise<StoredUpload> {
  const row = await db.insertInto('uploads').values(upload).returningAll().executeTakeFirstOrThrow()
  return storedUploadOf(row)
}

export async function findUpload(db: Db, id: string): Promise<StoredUpload | undefined> {
  const row = await db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
  return row && storedUploadOf(row)
}

/** For an upload that is known to exist: none is ever removed. */
export async function readUpload(db: Db, id: string): Promise<StoredUpload> {
  return storedUploadOf(await db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
}

/**
 * From now on it is checked, and only this content can become ready: the first one that a check sees stays, so that all
 * checks of an upload, at once or one after another, are of the same content.
 */
export async function beginCheck(db: Db, id: string, etag: string): Promise<StoredUpload> {
  const row = await db
    .updateTable('uploads')
    .set({ state: 'checking', checkedEtag: etag })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .returningAll()
    .executeTakeFirst()
  return row ? storedUploadOf(row) : readUpload(db, id)
}

/** The first verdict counts: the upload as it is then, and the event to be sent if this was the first. */
export async function settle(
  db: Db,
  id: string,
  verdict: Verdict,
): Promise<{ settled: StoredUpload; events: OutboxRow<EventRecord>[] }> {
  return db.transaction().execute(async (transaction) => {
    const row = await transaction
      .updateTable('uploads')
      .set({
        ...(verdict === 'ready' ? { state: 'ready' } : { state: 'rejected', rejectedReason: verdict }),
        settledAt: sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', id)
      .where('state', '=', 'checking')
      .returningAll()
      .executeTakeFirst()
    if (!row) return { settled: await readUpload(transaction, id), events: [] }
    const settled = storedUploadOf(row)
    return { settled, events: [await writeOutbox(transaction, [eventOf(settled)])] }
  })
}

function eventOf({ upload, uploadedBy, rejectedReason }: StoredUpload): EventRecord {
  return rejectedReason === null
    ? recordOf(media.events.mediaReady, {}, { upload, uploadedBy })
    : recordOf(media.events.mediaRejected, {}, { upload, uploadedBy, reason: rejectedReason })
}

function storedUploadOf(row: Selectable<UploadsTable>): StoredUpload {
  const { id, conversationId, state, name, type, size, createdAt } = row
  return {
    upload: { id, conversationId, state, name, type, size, createdAt: createdAt.toISOString() },
    uploadedBy: row.uploadedBy,
    checkedEtag: row.checkedEtag,
    rejectedReason: row.rejectedReason,
  }
}
