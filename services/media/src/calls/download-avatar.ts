import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { uploadOf } from '../store/upload-of.ts'
import { signThumbnail } from '../store/sign-thumbnail.ts'
import type { Db } from '../store/tables.ts'
import { findUpload } from '../store/uploads.ts'

/** Pages show avatars by address, without a token. Their ids are not to be guessed, and nothing else is shown in this way. */
export const downloadAvatar =
  (using: { db: Db; s3: S3; avatarLinkLifetimeMs: number }): Handler<typeof media.calls.downloadAvatar> =>
  async ({ id, size = 'small' }) => {
    const upload = await findUpload(using.db, id)
    if (upload?.state !== 'ready' || upload.avatarOf === null) throw refuse.upload_not_found()
    return signThumbnail(using.s3, uploadOf(upload), size, {
      lifetimeMs: using.avatarLinkLifetimeMs,
      audience: 'public',
    })
  }
