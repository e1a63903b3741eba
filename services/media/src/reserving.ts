import { BusError } from '@parley/bus'
import { refuse } from '@parley/contracts'
import type { OutputOf, ReserveUpload } from '@parley/protocol'
import type { S3 } from '@parley/s3'
import { v7 as uuidv7 } from 'uuid'
import { mediaTypeOf, type MediaKind, type MediaType } from './domain/media-types.ts'
import { pendingKey } from './domain/object-keys.ts'
import { partSizesOf } from './domain/part-sizes.ts'
import { uploadOf } from './store/upload-of.ts'
import { beginParts } from './store/parts.ts'
import { signForm, signParts } from './store/signatures.ts'
import type { Db, UploadRow } from './store/tables.ts'
import type { Turns } from './turns.ts'
import { insertUpload, noteParts, type NewUpload, type Quota } from './store/uploads.ts'

export interface Reserving {
  readonly db: Db
  readonly s3: S3
  readonly reservations: Turns
  readonly maxBytes: Readonly<Record<MediaKind, number>>
  /** Whether this installation takes files of this type, of those that can be taken at all. */
  readonly takes: (type: string) => boolean
  readonly dailyQuota: Quota
  /** A larger file comes in parts of `partBytes`. */
  readonly partsAboveBytes: number
  readonly partBytes: number
  readonly formLifetimeMs: number
  readonly partsLifetimeMs: number
}

/** Refuses what will not be taken, before anything is asked or kept. */
export function assertTaken(
  { maxBytes, takes, dailyQuota }: Pick<Reserving, 'maxBytes' | 'takes' | 'dailyQuota'>,
  { type, size }: { type: string; size: number },
  isWanted: (mediaType: MediaType) => boolean = () => true,
): void {
  const mediaType = mediaTypeOf(type)
  if (!mediaType || !takes(type) || !isWanted(mediaType)) throw refuse.media_type_not_allowed()
  const most = Math.min(maxBytes[mediaType.kind], dailyQuota.bytes)
  if (size > most) throw refuse.file_too_large({ maxBytes: most })
}

/** An upload, and where its file goes: a form or, for a large one, urls for its parts. */
export async function reserve(
  using: Reserving,
  wanted: Omit<NewUpload, 'id'>,
): Promise<OutputOf<typeof ReserveUpload>> {
  // Those of one user wait for each other in the database: here, so that they do not hold all its connections meanwhile.
  const inserted = await using.reservations.inTurn(wanted.uploadedBy, () =>
    insertUpload(using.db, { id: uuidv7(), ...wanted }, using.dailyQuota),
  )
  // Who is erased is signed out as well: nobody is there to be told more.
  if (inserted === 'erased') throw new BusError('unavailable', 'the user is erased')
  if ('retryAfterMs' in inserted) throw refuse.upload_quota_exceeded(inserted)
  return wanted.size > using.partsAboveBytes ? reserveParts(using, inserted) : reserveForm(using, inserted)
}

async function reserveForm({ s3, formLifetimeMs }: Reserving, row: UploadRow) {
  const upload = uploadOf(row)
  const { type, size: maxBytes } = upload
  return { upload, form: await signForm(s3, { key: pendingKey(upload), type, maxBytes }, formLifetimeMs), parts: null }
}

async function reserveParts({ db, s3, partBytes, partsLifetimeMs }: Reserving, row: UploadRow) {
  const upload = uploadOf(row)
  const key = pendingKey(upload)
  const multipartId = await beginParts(s3, key, upload.type)
  await noteParts(db, upload.id, { multipartId, partBytes })
  const signed = await signParts(s3, key, multipartId, partSizesOf(upload.size, partBytes), partsLifetimeMs)
  return { upload, form: null, parts: { partBytes, ...signed } }
}
