import type { S3 } from '@parley/s3'
import type { Inspector } from '../inspect/inspector.ts'
import { pendingKey, readyKey, thumbnailKey } from '../domain/object-keys.ts'
import { uploadOf } from '../store/upload-of.ts'
import type { Scanner } from '../scan/scanner.ts'
import type { Verdict } from '../store/checks.ts'
import { copyObject } from '../store/copy-object.ts'
import { findObject, putObject, readObject } from '../store/objects.ts'
import { signInspection } from '../store/signatures.ts'
import type { UploadRow } from '../store/tables.ts'

export interface Judges {
  readonly s3: S3
  readonly inspector: Inspector
  /** Undefined: nothing is scanned for malware. */
  readonly scanner: Scanner | undefined
}

const REPLACED: Verdict = { state: 'rejected', reason: 'replaced_while_checked' }

/**
 * The verdict on the content that was there when the upload was completed. When it is `ready`, what others get stands where no
 * client can write. Rejects when it cannot be told: then nothing is ready. It may be done again, and several times at once.
 */
export async function judgeUpload(judges: Judges, row: UploadRow, signal: AbortSignal): Promise<Verdict> {
  const { s3, inspector, scanner } = judges
  const { type, size } = row
  const upload = uploadOf(row)
  const etag = row.checkedEtag!
  const isAvatar = row.conversationId === null
  const pending = pendingKey(upload)

  const found = await findObject(s3, pending)
  if (found?.etag !== etag) return REPLACED
  if (found.size !== size) return { state: 'rejected', reason: 'not_the_declared_size' }
  if (scanner !== undefined) {
    const content = await readObject(s3, pending, etag, signal)
    if (typeof content === 'string') return REPLACED
    const scanned = await scanner.scan(content, signal)
    if (scanned !== 'clean') return { state: 'rejected', reason: scanned }
  }
  const link = await signInspection(s3, pending, etag, LINK_LIFETIME_MS)
  const inspected = await inspector.inspect({ link, type, size, isAvatar }, signal)
  if (inspected.verdict !== 'fine') return { state: 'rejected', reason: inspected.verdict }

  const { findings, rewritten, thumbnails } = inspected
  const servedAs = isAvatar ? 'image/webp' : type
  if (rewritten === null) {
    const copied = await copyObject(s3, pending, readyKey(upload), etag, { type: servedAs })
    if (copied !== 'copied') return REPLACED
  } else {
    await putObject(s3, readyKey(upload), rewritten, { type: servedAs })
  }
  for (const sizeName of ['small', 'large'] as const) {
    const content = thumbnails?.[sizeName]
    if (content === undefined) continue
    await putObject(s3, thumbnailKey(upload, sizeName), content, { type: 'image/webp' })
  }
  return { state: 'ready', type: servedAs, size: rewritten?.length ?? size, findings }
}

/** Longer than a check can take. */
const LINK_LIFETIME_MS = 15 * 60_000
