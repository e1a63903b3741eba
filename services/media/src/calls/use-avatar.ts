import type { Handler } from '@parley/bus'
import { avatarPath, refuse, type media } from '@parley/contracts'
import { assertUsable } from '../assert-usable.ts'
import { useAsAvatar } from '../store/avatars.ts'
import type { Db } from '../store/tables.ts'

/** An avatar is of one owner for good: who shows it a second time elsewhere uploads it again. */
export const useAvatar =
  ({ db }: { db: Db }): Handler<typeof media.calls.useAvatar> =>
  async ({ userId, uploadId, owner }) => {
    await useAsAvatar(db, uploadId, owner, (upload, avatarOf) => {
      const isTaken = upload?.avatarOf !== null && upload?.avatarOf !== avatarOf
      if (upload?.uploadedBy !== userId || upload.conversationId !== null || isTaken) throw refuse.upload_not_found()
      assertUsable(upload)
    })
    return { avatarUrl: avatarPath(uploadId) }
  }
