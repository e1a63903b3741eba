import { must, type Callers, type Handler } from '@parley/bus'
import { refuse, type media, type messaging } from '@parley/contracts'
import { contentDisposition } from '../domain/content-disposition.ts'
import { mediaTypeOf } from '../domain/media-types.ts'
import { readyKey } from '../domain/object-keys.ts'
import type { S3 } from '../store/open-s3.ts'
import { signLink } from '../store/signatures.ts'
import type { Db } from '../store/tables.ts'
import { findUpload } from '../store/uploads.ts'

export const downloadMedia =
  (using: {
    db: Db
    s3: S3
    messaging: Pick<Callers<typeof messaging>, 'isMember'>
    linkLifetimeMs: number
  }): Handler<typeof media.calls.downloadMedia> =>
  async ({ actor: { userId }, id }, context) => {
    const stored = await findUpload(using.db, id)
    if (stored?.upload.state !== 'ready') throw refuse.upload_not_found()
    const { upload } = stored
    const { conversationId } = upload
    const { member } = must(await using.messaging.isMember({ userId, conversationId }, context))
    if (!member) throw refuse.upload_not_found()

    // A type that is no longer accepted is still what somebody was promised to be kept: it is served as nothing in particular.
    const { servedAs, inline } = mediaTypeOf(upload.type) ?? { servedAs: 'application/octet-stream', inline: false }
    return signLink(
      using.s3,
      { key: readyKey(upload), type: servedAs, disposition: contentDisposition({ inline }, upload.name) },
      using.linkLifetimeMs,
    )
  }
