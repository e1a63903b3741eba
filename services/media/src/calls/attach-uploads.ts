import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import { assertUsable } from '../assert-usable.ts'
import { attachTo } from '../store/attachments.ts'
import type { Db } from '../store/tables.ts'

/** All of them or none. What is somebody else's, elsewhere or taken looks as if it did not exist. */
export const attachUploads =
  ({ db }: { db: Db }): Handler<typeof media.calls.attachUploads> =>
  async ({ userId, conversationId, messageId, attemptId, uploadIds }) => {
    const attachments = await attachTo(db, { messageId, attemptId }, uploadIds, (upload) => {
      const isTaken = upload?.messageId !== null && upload?.messageId !== messageId
      if (upload?.uploadedBy !== userId || upload.conversationId !== conversationId || isTaken) {
        throw refuse.upload_not_found()
      }
      assertUsable(upload)
    })
    return { attachments }
  }
