import type { Attachment } from '@parley/protocol'
import type { Selectable } from 'kysely'
import type { Db, UploadsTable } from './tables.ts'

/**
 * Makes uploads part of a message, and answers with them in the order asked. `assertMay` throws for one that cannot be; then
 * nothing is changed. They are locked in the order of their ids, so messages that name the same ones wait for each other.
 */
export function attachTo(
  db: Db,
  messageId: string,
  uploadIds: readonly string[],
  assertMay: (stored: Selectable<UploadsTable> | undefined) => void,
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
    await transaction.updateTable('uploads').set({ messageId }).where('id', 'in', uploadIds).execute()
    return [...new Set(uploadIds)].map((id) => attachmentOf(byId.get(id)!))
  })
}

/** They may become part of another message. */
export async function releaseFrom(db: Db, from: { userId: string; messageId: string }): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ messageId: null })
    .where('messageId', '=', from.messageId)
    .where('uploadedBy', '=', from.userId)
    .execute()
}

const attachmentOf = ({ id, name, type, size }: Selectable<UploadsTable>): Attachment => ({ id, name, type, size })
