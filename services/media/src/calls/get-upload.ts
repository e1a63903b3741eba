import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import { uploadOf } from '../store/upload-of.ts'
import type { Db } from '../store/tables.ts'
import { findUpload } from '../store/uploads.ts'

export const getUpload =
  ({ db }: { db: Db }): Handler<typeof media.calls.getUpload> =>
  async ({ actor, id }) => {
    const upload = await findUpload(db, id)
    if (upload?.uploadedBy !== actor.userId) throw refuse.upload_not_found()
    return uploadOf(upload)
  }
