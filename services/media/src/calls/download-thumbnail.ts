import type { Handler } from '@parley/bus'
import { refuse, type media } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { uploadOf } from '../store/upload-of.ts'
import { readableUpload, type Reading } from '../reading.ts'
import { signThumbnail } from '../store/sign-thumbnail.ts'

export const downloadThumbnail =
  (using: Reading & { s3: S3; linkLifetimeMs: number }): Handler<typeof media.calls.downloadThumbnail> =>
  async ({ actor: { userId }, id, size = 'small' }, context) => {
    const upload = uploadOf(await readableUpload(using, { userId, id }, context))
    if (upload.blurhash === null) throw refuse.upload_not_found()
    return signThumbnail(using.s3, upload, size, { lifetimeMs: using.linkLifetimeMs, audience: 'private' })
  }
