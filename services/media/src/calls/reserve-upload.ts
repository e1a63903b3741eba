import { must, type Callers, type Handler } from '@parley/bus'
import { refuse, type media, type messaging } from '@parley/contracts'
import { v7 as uuidv7 } from 'uuid'
import { mediaTypeOf, type MediaKind } from '../domain/media-types.ts'
import { pendingKey } from '../domain/object-keys.ts'
import type { S3 } from '../store/open-s3.ts'
import { signForm } from '../store/signatures.ts'
import type { Db } from '../store/tables.ts'
import { insertUpload } from '../store/uploads.ts'

export const reserveUpload =
  (using: {
    db: Db
    s3: S3
    messaging: Pick<Callers<typeof messaging>, 'isMember'>
    maxBytes: Readonly<Record<MediaKind, number>>
    formLifetimeMs: number
  }): Handler<typeof media.calls.reserveUpload> =>
  async ({ actor: { userId }, conversationId, name, type, size }, context) => {
    const mediaType = mediaTypeOf(type)
    if (!mediaType) throw refuse.media_type_not_allowed()
    const maxBytes = using.maxBytes[mediaType.kind]
    if (size > maxBytes) throw refuse.file_too_large({ maxBytes })
    const { member } = must(await using.messaging.isMember({ userId, conversationId }, context))
    if (!member) throw refuse.not_a_member()

    const { upload } = await insertUpload(using.db, {
      id: uuidv7(),
      conversationId,
      uploadedBy: userId,
      name,
      type,
      size,
    })
    const form = await signForm(using.s3, { key: pendingKey(upload), type, maxBytes: size }, using.formLifetimeMs)
    return { upload, form }
  }
