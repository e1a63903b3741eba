import type { Callers, EventRecord, Handlers } from '@parley/bus'
import type { media, messaging } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import type { MediaKind } from '../domain/media-types.ts'
import type { S3 } from '../store/open-s3.ts'
import type { Db } from '../store/tables.ts'
import { attachUploads } from './attach-uploads.ts'
import { completeUpload } from './complete-upload.ts'
import { downloadMedia } from './download-media.ts'
import { releaseUploads } from './release-uploads.ts'
import { reserveUpload } from './reserve-upload.ts'

export const calls = (using: {
  db: Db
  s3: S3
  messaging: Pick<Callers<typeof messaging>, 'isMember'>
  outbox: Outbox<EventRecord>
  log: Logger
  maxBytes: Readonly<Record<MediaKind, number>>
  formLifetimeMs: number
  linkLifetimeMs: number
}) =>
  ({
    reserveUpload: reserveUpload(using),
    completeUpload: completeUpload(using),
    downloadMedia: downloadMedia(using),
    attachUploads: attachUploads(using),
    releaseUploads: releaseUploads(using),
  }) satisfies Handlers<typeof media>
