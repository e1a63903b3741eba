import type { Attachment } from '@parley/protocol'
import { sql } from 'kysely'
import { attachmentOf } from './upload-of.ts'
import type { Db, UploadRow } from './tables.ts'

/** One of the times that a message was sent: the first, or a retry. */
interface Attempt {
  readonly messageId: string
  readonly attemptId: string
}

/** One whose outcome is unknown stays for good. After so many the message keeps its uploads. */
const MOST_ATTEMPTS = 16

/**
 * Makes uploads part of a message, and answers with them in the order asked. `assertMay` throws for one that cannot be; then
 * nothing is changed. They are locked in the order of their ids, so messages that name the same ones wait for each other.
 */
export function attachTo(
  db: Db,
  { messageId, attemptId }: Attempt,
  uploadIds: readonly string[],
  assertMay: (stored: UploadRow | undefined) => void,
): Promise<Attachment[]> {
  return db.transaction().execute(async (transaction) => {
    const rows = await transaction
      .selectFrom('uploads')
      .selectAll()
      .where('id', 'in', uploadIds)
      .orderBy('id')
      .forUpdate()
      .execute()
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const id of uploadIds) assertMay(byId.get(id))
    // The message's own id stands for an attempt that nobody gives up.
    const held = sql`case when cardinality(attempts) < ${MOST_ATTEMPTS} then ${attemptId}::uuid else ${messageId}::uuid end`
    await transaction
      .updateTable('uploads')
      .set({
        messageId,
        usedAt: sql<Date>`clock_timestamp()`,
        attempts: sql<string[]>`array_append(array_remove(attempts, ${held}), ${held})`,
      })
      .where('id', 'in', uploadIds)
      .execute()
    return [...new Set(uploadIds)].map((id) => attachmentOf(byId.get(id)!))
  })
}

/**
 * This attempt does not hold them any longer. Those that no other holds may become part of another message; another attempt
 * at the same message may have stored it, or do so yet.
 */
export async function releaseFrom(db: Db, from: Attempt & { userId: string }): Promise<void> {
  const attemptId = sql<string>`${from.attemptId}::uuid`
  await db.transaction().execute(async (transaction) => {
    const rows = await transaction
      .selectFrom('uploads')
      .select('id')
      .where('messageId', '=', from.messageId)
      .where('uploadedBy', '=', from.userId)
      .where(attemptId, '=', sql<string>`any(attempts)`)
      .orderBy('id')
      .forUpdate()
      .execute()
    if (rows.length === 0) return
    await transaction
      .updateTable('uploads')
      .set({
        messageId: sql<string | null>`case when attempts <> array[${attemptId}] then message_id end`,
        attempts: sql<string[]>`array_remove(attempts, ${attemptId})`,
      })
      .where(
        'id',
        'in',
        rows.map(({ id }) => id),
      )
      .execute()
  })
}
