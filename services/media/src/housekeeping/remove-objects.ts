import type { Logger } from '@parley/runtime'
import { keysOf, pendingKey } from '../domain/object-keys.ts'
import { uploadOf } from '../store/upload-of.ts'
import { removeObjects } from '../store/objects.ts'
import type { S3 } from '../store/open-s3.ts'
import { abandonParts } from '../store/parts.ts'
import { claimRemovals, forgetRemoved, noteRemoved } from '../store/removals.ts'
import type { Db } from '../store/tables.ts'

const UPLOADS_AT_ONCE = 100
/** Who has claimed some and says nothing for so long is dead. */
const LEASE_MS = 30_000
/** Rows of deleted uploads are kept so long, for who asks what became of theirs. */
const FORGET_AFTER_MS = 30 * 24 * 60 * 60 * 1_000

/** Removes from S3 whatever is there of deleted and rejected uploads. What fails is left for the next time. */
export async function removeDeleted(
  { db, s3, writableMs, log }: { db: Db; s3: S3; writableMs: number; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const claimed = await claimRemovals(db, UPLOADS_AT_ONCE, LEASE_MS)
    if (claimed.length === 0) break
    const uploads = claimed.map((row) => ({ ...uploadOf(row), multipartId: row.multipartId }))
    for (const upload of uploads) {
      if (upload.multipartId !== null) await abandonParts(s3, pendingKey(upload), upload.multipartId)
    }
    await removeObjects(s3, uploads.flatMap(keysOf))
    await noteRemoved(
      db,
      uploads.map(({ id }) => id),
      writableMs,
    )
    log.debug({ uploads: uploads.length }, 'objects of deleted uploads removed')
  }
  while (!signal.aborted && (await forgetRemoved(db, FORGET_AFTER_MS, 1_000)) === 1_000);
}
