import type { Logger } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { keysOf, pendingKey } from '../domain/object-keys.ts'
import { uploadOf } from '../store/upload-of.ts'
import { removeObjects } from '../store/objects.ts'
import { abandonParts } from '../store/parts.ts'
import {
  claimRemovals,
  forgetRemoved,
  forgetUsed,
  noteRemoved,
  postponeRemoval,
  releaseRemovals,
  type Writable,
} from '../store/removals.ts'
import type { Db, UploadRow } from '../store/tables.ts'

const UPLOADS_AT_ONCE = 100
/** Who has claimed some and says nothing for so long is dead. */
const LEASE_MS = 30_000
/** So many after each other seldom fail when S3 is only busy. */
const MOST_IN_A_ROW = 5
const ROWS_AT_ONCE = 1_000
const ABANDONED_AT_ONCE = 10
/** Rows of uploads that were part of nothing are kept so long, for who asks what became of theirs. */
const FORGET_AFTER_MS = 30 * 24 * 60 * 60 * 1_000

interface Removing extends Writable {
  readonly db: Db
  readonly s3: S3
  readonly log: Logger
}

/** Removes from S3 whatever is there of deleted and rejected uploads. What fails is left for later. */
export async function removeDeleted(using: Removing, signal: AbortSignal): Promise<void> {
  const { db, log } = using
  while (!signal.aborted) {
    const claimed = await claimRemovals(db, UPLOADS_AT_ONCE, LEASE_MS)
    if (claimed.length === 0) break
    try {
      await remove(using, claimed)
    } catch (error) {
      log.warn({ error }, 'objects could not be removed together')
      await removeOneByOne(using, claimed, signal)
    }
  }
  while (!signal.aborted && (await forgetUsed(db, ROWS_AT_ONCE)) === ROWS_AT_ONCE);
  while (!signal.aborted && (await forgetRemoved(db, FORGET_AFTER_MS, ROWS_AT_ONCE)) === ROWS_AT_ONCE);
}

async function remove(using: Removing, rows: readonly UploadRow[]): Promise<void> {
  const { db, s3, log } = using
  const uploads = rows.map((row) => ({ ...uploadOf(row), multipartId: row.multipartId }))
  const inParts = uploads.filter(({ multipartId }) => multipartId !== null)
  for (let start = 0; start < inParts.length; start += ABANDONED_AT_ONCE) {
    const some = inParts.slice(start, start + ABANDONED_AT_ONCE)
    await Promise.all(some.map((upload) => abandonParts(s3, pendingKey(upload), upload.multipartId!)))
  }
  await removeObjects(s3, uploads.flatMap(keysOf))
  await noteRemoved(
    db,
    uploads.map(({ id }) => id),
    using,
  )
  log.debug({ uploads: uploads.length }, 'objects of deleted uploads removed')
}

/** One that S3 does not remove must not keep the others there. When several in a row fail, it is S3 that fails. */
async function removeOneByOne(using: Removing, rows: readonly UploadRow[], signal: AbortSignal): Promise<void> {
  let failedInARow = 0
  for (const [index, row] of rows.entries()) {
    if (signal.aborted) return
    try {
      await remove(using, [row])
      failedInARow = 0
    } catch (error) {
      await postponeRemoval(using.db, row.id)
      failedInARow += 1
      if (failedInARow === MOST_IN_A_ROW) {
        await releaseRemovals(
          using.db,
          rows.slice(index + 1).map(({ id }) => id),
        )
        throw error
      }
      using.log.warn({ error, uploadId: row.id }, 'objects of an upload could not be removed, they will be later')
    }
  }
}
