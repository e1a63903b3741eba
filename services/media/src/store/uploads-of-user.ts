import { sql } from 'kysely'
import { asDeleted } from './deletion.ts'
import type { Db, UploadRow } from './tables.ts'

/** Those that are not deleted, in the order of their ids, after one. */
export function listLiveUploads(
  db: Db,
  userId: string,
  { after, most }: { after: string | null; most: number },
): Promise<UploadRow[]> {
  return db
    .selectFrom('uploads')
    .selectAll()
    .where('uploadedBy', '=', userId)
    .where('state', '<>', 'deleted')
    .$if(after !== null, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .limit(most)
    .execute()
}

/** Whatever they are part of. One that became an avatar since it was read stays for now. Answers which were deleted. */
export async function deleteWithUser(db: Db, rows: readonly UploadRow[]): Promise<UploadRow[]> {
  if (rows.length === 0) return []
  const deleted = await db
    .updateTable('uploads')
    .set(asDeleted())
    .where((eb) => eb.or(rows.map(({ id, avatarOf }) => eb.and([eb('id', '=', id), isAvatarOf(avatarOf)]))))
    .where('state', '<>', 'deleted')
    .returning('id')
    .execute()
  const ids = new Set(deleted.map(({ id }) => id))
  return rows.filter(({ id }) => ids.has(id))
}

/** Nothing says any more who uploaded them. */
export async function forgetUploader(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.updateTable('uploads').set({ uploadedBy: null }).where('id', 'in', ids).execute()
}

/** The rows of those that are deleted and gone from the bucket go. Answers how many are not gone yet. */
export async function forgetDeleted(db: Db, userId: string): Promise<{ left: number }> {
  await db
    .deleteFrom('uploads')
    .where('uploadedBy', '=', userId)
    .where('state', '=', 'deleted')
    .where('removedAt', 'is not', null)
    .execute()
  const { left } = await db
    .selectFrom('uploads')
    .select(({ fn }) => fn.countAll<number>().as('left'))
    .where('uploadedBy', '=', userId)
    .where('state', '=', 'deleted')
    .executeTakeFirstOrThrow()
  return { left: Number(left) }
}

/** Those that are not deleted, by whether they are part of a message. */
export async function countLiveUploads(db: Db, userId: string): Promise<{ attached: number; others: number }> {
  const { attached, others } = await db
    .selectFrom('uploads')
    .select(({ fn }) => fn.count<number>('messageId').as('attached'))
    .select(sql<number>`count(*) filter (where message_id is null)`.as('others'))
    .where('uploadedBy', '=', userId)
    .where('state', '<>', 'deleted')
    .executeTakeFirstOrThrow()
  return { attached: Number(attached), others: Number(others) }
}

/** Whether events about them are still to be told. */
export async function hasUntoldEvents(db: Db, userId: string): Promise<boolean> {
  const about = JSON.stringify([{ payload: { uploadedBy: userId } }])
  const row = await db
    .selectFrom('outbox')
    .select('id')
    .where(sql<boolean>`events @> ${about}::jsonb`)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

const isAvatarOf = (avatarOf: string | null) => sql<boolean>`avatar_of is not distinct from ${avatarOf}`
