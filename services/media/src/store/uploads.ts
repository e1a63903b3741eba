import { sql, type Transaction } from 'kysely'
import { asDeleted } from './deletion.ts'
import { isErased, lockReservations } from './erased-users.ts'
import type { Db, Tables, UploadRow } from './tables.ts'

export interface NewUpload {
  readonly id: string
  readonly conversationId: string | null
  readonly uploadedBy: string
  readonly name: string
  readonly type: string
  readonly size: number
}

/** How much one user may reserve within a day: 24 hours, whenever they begin. */
export interface Quota {
  readonly uploads: number
  readonly bytes: number
}

const DAY_MS = 24 * 60 * 60 * 1_000

/**
 * Within the quota, also when one user reserves many at once; otherwise answers when there is room again. Of a user who is
 * erased, also since just now, nothing is taken.
 */
export function insertUpload(
  db: Db,
  upload: NewUpload,
  quota: Quota,
): Promise<UploadRow | 'erased' | { retryAfterMs: number }> {
  return db.transaction().execute(async (transaction) => {
    await lockReservations(transaction, upload.uploadedBy)
    if (await isErased(transaction, upload.uploadedBy)) return 'erased'
    const retryAfterMs = await waitOf(transaction, upload, quota)
    if (retryAfterMs !== undefined) return { retryAfterMs }
    return transaction.insertInto('uploads').values(upload).returningAll().executeTakeFirstOrThrow()
  })
}

/** Until enough of the user's reservations are older than a day; at most a day. Undefined when there is room now. */
async function waitOf(
  transaction: Transaction<Tables>,
  { uploadedBy, size }: NewUpload,
  quota: Quota,
): Promise<number | undefined> {
  const { rows } = await sql<{ tooMuch: boolean; freeInMs: number }>`
    with reserved as (
      select created_at,
        count(*) over newest_first as uploads,
        sum(size) over newest_first as bytes
      from uploads
      where uploaded_by = ${uploadedBy} and created_at > clock_timestamp() - ${DAY_MS} * interval '1 ms'
      window newest_first as (order by created_at desc, id desc)
    )
    select extract(epoch from max(created_at) - clock_timestamp()) * 1000 + ${DAY_MS} as "freeInMs"
    from reserved
    where uploads >= ${quota.uploads} or bytes + ${size} > ${quota.bytes}
    having count(*) > 0`.execute(transaction)
  const [tooMuch] = rows
  return tooMuch && Math.max(1, Math.ceil(Number(tooMuch.freeInMs)))
}

export function findUpload(db: Db, id: string): Promise<UploadRow | undefined> {
  return db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Its file comes in parts of this size, which S3 gathers under this id. */
export async function noteParts(db: Db, id: string, parts: { multipartId: string; partBytes: number }): Promise<void> {
  await db.updateTable('uploads').set(parts).where('id', '=', id).execute()
}

/**
 * From now on it is checked, and only this content can become ready: the first one that was there when it was completed stays,
 * so that all checks of an upload, at once or one after another, are of the same content.
 */
export async function beginChecking(db: Db, id: string, etag: string): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ state: 'checking', checkedEtag: etag, checkAt: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('state', '=', 'pending')
    .execute()
}

/** If it is not used: it is gone for everybody from now on, and soon from the bucket. Answers whether it is. */
export async function deleteUnused(db: Db, id: string): Promise<boolean> {
  const deleted = await db
    .updateTable('uploads')
    .set(asDeleted())
    .where('id', '=', id)
    .where('state', '<>', 'deleted')
    .where('messageId', 'is', null)
    .where('avatarOf', 'is', null)
    .executeTakeFirst()
  return deleted.numUpdatedRows > 0n
}

/** With the message that they are a part of. Those that are a part of another one stay. */
export async function deleteOfMessage(db: Db, messageId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('uploads')
    .set(asDeleted())
    .where('id', 'in', ids)
    .where('messageId', '=', messageId)
    .where('state', '<>', 'deleted')
    .execute()
}
