import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import { uploadOf } from '../store/upload-of.ts'
import type { Db } from '../store/tables.ts'
import { deleteUnused, findUpload } from '../store/uploads.ts'

/** Again, it changes nothing. */
export const deleteUpload =
  (using: { db: Db; removeSoon: () => void }): Handler<typeof media.calls.deleteUpload> =>
  async ({ actor, id }) => {
    const found = await findUpload(using.db, id)
    if (found?.uploadedBy !== actor.userId) throw refuse.upload_not_found()
    if (await deleteUnused(using.db, id)) using.removeSoon()
    const upload = await findUpload(using.db, id)
    if (upload === undefined) throw refuse.upload_not_found()
    if (upload.state !== 'deleted') throw refuse.upload_in_use()
    return uploadOf(upload)
  }
