import type { EventRecord, Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import { checkUpload } from '../check-upload.ts'
import type { S3 } from '../store/open-s3.ts'
import type { Db } from '../store/tables.ts'
import { findUpload } from '../store/uploads.ts'

export const completeUpload =
  (using: { db: Db; s3: S3; outbox: Outbox<EventRecord>; log: Logger }): Handler<typeof media.calls.completeUpload> =>
  async ({ actor, id }) => {
    const stored = await findUpload(using.db, id)
    if (stored?.uploadedBy !== actor.userId) throw refuse.upload_not_found()
    const { upload, rejectedReason } = await checkUpload(using, stored)
    if (rejectedReason !== null) throw refuse.upload_rejected({ reason: rejectedReason })
    if (upload.state !== 'ready') throw refuse.upload_not_received()
    return upload
  }
