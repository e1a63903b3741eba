import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import { releaseFrom } from '../store/attachments.ts'
import type { Db } from '../store/tables.ts'

export const releaseUploads =
  ({ db }: { db: Db }): Handler<typeof media.calls.releaseUploads> =>
  async ({ userId, messageId, attemptId }) => {
    await releaseFrom(db, { userId, messageId, attemptId })
    return {}
  }
