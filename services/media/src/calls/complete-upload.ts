import type { Handler } from '@parley/bus'
import { COMPLETE_WAIT_MS, refuse, type media } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import type { Checking } from '../checks/open-checking.ts'
import { uploadOf } from '../store/upload-of.ts'
import { pendingKey } from '../domain/object-keys.ts'
import { joinUpload } from '../join-upload.ts'
import { findObject } from '../store/objects.ts'
import type { Db, UploadRow } from '../store/tables.ts'
import { beginChecking, findUpload } from '../store/uploads.ts'

export const completeUpload =
  (using: { db: Db; s3: S3; checking: Checking }): Handler<typeof media.calls.completeUpload> =>
  async ({ actor, id }) => {
    const { db, checking } = using
    const found = await findUpload(db, id)
    if (found?.uploadedBy !== actor.userId || found.state === 'deleted') throw refuse.upload_not_found()
    if (found.state === 'pending') await receive(using, found)
    const upload = (await verdictOf(found, checking)) ?? (await findUpload(db, id))
    if (upload === undefined || upload.state === 'deleted') throw refuse.upload_not_found()
    if (upload.rejectedReason !== null) throw refuse.upload_rejected({ reason: upload.rejectedReason })
    return uploadOf(upload)
  }

async function receive({ db, s3, checking }: { db: Db; s3: S3; checking: Checking }, row: UploadRow): Promise<void> {
  const key = pendingKey(uploadOf(row))
  const { multipartId, partBytes, size } = row
  if (multipartId !== null && partBytes !== null) await joinUpload(s3, { key, multipartId, partBytes, size })
  const received = await findObject(s3, key)
  if (received === undefined) throw refuse.upload_not_received()
  await beginChecking(db, row.id, received.etag)
  checking.hurry()
}

async function verdictOf(found: UploadRow, checking: Checking): Promise<UploadRow | undefined> {
  const isSettled = found.state === 'ready' || found.state === 'rejected'
  return isSettled ? found : checking.verdictOf(found.id, COMPLETE_WAIT_MS)
}
