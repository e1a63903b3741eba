import type { EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import { fileTypeFromBuffer } from 'file-type'
import { isOfType, SAMPLE_BYTES } from './domain/is-of-type.ts'
import { mediaTypeOf } from './domain/media-types.ts'
import { pendingKey, readyKey } from './domain/object-keys.ts'
import { copyObject, findObject, readStart, removeObject } from './store/objects.ts'
import type { S3 } from './store/open-s3.ts'
import type { Db } from './store/tables.ts'
import { beginCheck, readUpload, settle, type StoredUpload, type Verdict } from './store/uploads.ts'

/**
 * Checks what was posted and settles the upload: ready or rejected, once and for all. Any step may fail or be done twice, by
 * several instances at once: the same content is checked again, and the first verdict counts. The upload stays as it is
 * while nothing was posted.
 */
export async function checkUpload(
  using: { db: Db; s3: S3; outbox: Outbox<EventRecord>; log: Logger },
  stored: StoredUpload,
): Promise<StoredUpload> {
  const { db, s3, outbox, log } = using
  if (isSettled(stored)) return stored
  const verdict = await judge(db, s3, stored)
  // Nothing was posted, or another check has just settled it and tidied up.
  if (verdict === 'gone') return readUpload(db, stored.upload.id)
  const { settled, events } = await settle(db, stored.upload.id, verdict)
  await outbox.send(events)
  await tidyUp(s3, settled, log)
  return settled
}

const isSettled = ({ upload: { state } }: StoredUpload): boolean => state === 'ready' || state === 'rejected'

/** The verdict on the content that was there at the first check. When it is `ready`, that content has been copied out of reach. */
async function judge(db: Db, s3: S3, { upload }: StoredUpload): Promise<Verdict | 'gone'> {
  const pending = pendingKey(upload)
  const found = await findObject(s3, pending)
  if (!found) return 'gone'
  const { checkedEtag } = await beginCheck(db, upload.id, found.etag)
  if (found.etag !== checkedEtag) return 'replaced_while_checked'
  if (found.size !== upload.size) return 'not_the_declared_size'
  const sample = await readStart(s3, pending, found.etag, SAMPLE_BYTES)
  if (typeof sample === 'string') return verdictOfLost(sample)
  const mediaType = mediaTypeOf(upload.type)
  const sniffed = await fileTypeFromBuffer(sample)
  if (!mediaType || !isOfType(mediaType, sample, sniffed?.mime)) return 'not_the_declared_type'
  const copied = await copyObject(s3, pending, readyKey(upload), found.etag)
  return copied === 'copied' ? 'ready' : verdictOfLost(copied)
}

const verdictOfLost = (lost: 'gone' | 'changed'): Verdict | 'gone' =>
  lost === 'gone' ? 'gone' : 'replaced_while_checked'

/**
 * What is posted is not needed any more, nor is a copy made by a check whose verdict came second. What cannot be removed now
 * stays: nobody is given a link to it.
 */
async function tidyUp(s3: S3, { upload }: StoredUpload, log: Logger): Promise<void> {
  const keys = upload.state === 'rejected' ? [pendingKey(upload), readyKey(upload)] : [pendingKey(upload)]
  for (const outcome of await Promise.allSettled(keys.map((key) => removeObject(s3, key)))) {
    if (outcome.status === 'rejected') log.warn({ error: outcome.reason, uploadId: upload.id }, 'object left behind')
  }
}
