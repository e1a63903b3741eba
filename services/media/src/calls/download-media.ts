import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { contentDisposition } from '../domain/content-disposition.ts'
import { mediaTypeOf } from '../domain/media-types.ts'
import { readyKey } from '../domain/object-keys.ts'
import { uploadOf } from '../store/upload-of.ts'
import { readableUpload, type Reading } from '../reading.ts'
import { signLink } from '../store/signatures.ts'

export const downloadMedia =
  (using: Reading & { s3: S3; linkLifetimeMs: number }): Handler<typeof media.calls.downloadMedia> =>
  async ({ actor: { userId }, id }, context) => {
    const upload = uploadOf(await readableUpload(using, { userId, id }, context))
    // A type that is no longer accepted is still what somebody was promised to be kept: it is served as nothing in particular.
    const { servedAs, inline } = mediaTypeOf(upload.type) ?? { servedAs: 'application/octet-stream', inline: false }
    return signLink(
      using.s3,
      { key: readyKey(upload), type: servedAs, disposition: contentDisposition({ inline }, upload.name) },
      using.linkLifetimeMs,
    )
  }
