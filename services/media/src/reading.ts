import { must, type CallContext, type Callers } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import type { Db, UploadRow } from './store/tables.ts'
import { findUpload } from './store/uploads.ts'

export interface Reading {
  readonly db: Db
  readonly messaging: Pick<Callers<typeof messaging>, 'seesMessage'>
}

/**
 * A file that this user may read now: who sees the message that it is part of, and before it is part of one its uploader. Of all
 * others none is known to anybody else.
 */
export async function readableUpload(
  { db, messaging }: Reading,
  { userId, id }: { userId: string; id: string },
  context: CallContext,
): Promise<UploadRow> {
  const upload = await findUpload(db, id)
  if (upload?.state !== 'ready') throw refuse.upload_not_found()
  const { messageId, conversationId } = upload
  if (messageId === null || conversationId === null) {
    if (upload.uploadedBy !== userId) throw refuse.upload_not_found()
    return upload
  }
  const { sees } = must(await messaging.seesMessage({ userId, conversationId, messageId }, context))
  if (!sees) throw refuse.upload_not_found()
  return upload
}
