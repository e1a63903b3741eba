import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import { attachTo } from '../store/attachments.ts'
import type { Db } from '../store/tables.ts'

/** All of them or none. What is somebody else's, elsewhere or taken looks as if it did not exist. */
export const attachUploads =
  ({ db }: { db: Db }): Handler<typeof media.calls.attachUploads> =>
  async ({ userId, conversationId, messageId, attemptId, uploadIds }) => {
    const attachments = await attachTo(db, { messageId, attemptId }, uploadIds, (stored) => {
      const isTaken = stored?.messageId !== null && stored?.messageId !== messageId
      if (stored?.uploadedBy !== userId || stored.conversationId !== conversationId || isTaken) {
        throw refuse.upload_not_found()
      }
      if (stored.rejectedReason !== null) throw refuse.upload_rejected({ reason: stored.rejectedReason })
      if (stored.state !== 'ready') throw refuse.upload_not_received()
    })
    return { attachments }
  }
