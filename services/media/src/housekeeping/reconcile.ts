import type { Logger } from '@parley/runtime'
import type { S3 } from '../store/open-s3.ts'
import { removeObjects } from '../store/objects.ts'
import { abandonParts, listGatherings } from '../store/parts.ts'
import { findGathered } from '../store/compared-uploads.ts'
import { beginReconciliation, endReconciliation, noteReconciliation, type Counts } from '../store/reconciliations.ts'
import type { Db } from '../store/tables.ts'
import { compare } from './compare.ts'

export interface Reconciling {
  readonly db: Db
  readonly s3: S3
  /** Younger objects and uploads may be on their way. */
  readonly orphanAfterMs: number
  readonly log: Logger
}

const EVERY_MS = 24 * 60 * 60_000
/** More unknown objects than this, and than this part of all, are no leftovers: the database or the bucket is the wrong one. */
const MOST_REMOVED = 1_000
const MOST_REMOVED_PART = 0.1

/**
 * Once a day compares the bucket with the table, in both directions. Objects that belong to no upload are removed, unless they
 * are too many; uploads whose object is gone are counted, named in the report and logged.
 */
export async function reconcile(using: Reconciling, signal: AbortSignal, everyMs = EVERY_MS): Promise<void> {
  const { db, log } = using
  const id = await beginReconciliation(db, everyMs)
  if (id === undefined) return
  try {
    const outcome = await reconcileOnce(using, id, signal)
    await endReconciliation(db, id, outcome)
  } catch (error) {
    await endReconciliation(db, id, 'failed').catch(() => undefined)
    if (!signal.aborted) log.error({ error }, 'bucket and uploads could not be compared')
  }
}

async function reconcileOnce(
  using: Reconciling,
  id: string,
  signal: AbortSignal,
): Promise<'finished' | 'too_many_unknown'> {
  const { db, s3, log } = using
  const { removable, ...found } = await compare(using, (counts) => noteReconciliation(db, id, counts), signal)
  let counts: Counts = { ...found, removedObjects: 0 }
  const isTooMany = removable.length > MOST_REMOVED && removable.length > found.objects * MOST_REMOVED_PART
  if (!isTooMany) {
    await removeObjects(s3, removable)
    counts = { ...counts, removedObjects: removable.length }
  }
  await noteReconciliation(db, id, counts)
  await abandonForgottenParts(using, signal)
  const { missingUploadIds, ...numbers } = counts
  if (isTooMany) {
    log.error({ ...numbers }, 'too many objects belong to no upload: none was removed. Is it the right database?')
  } else if (numbers.missingObjects > 0) log.warn({ ...numbers, missingUploadIds }, 'objects of uploads are missing')
  else log.info({ ...numbers }, 'bucket and uploads compared')
  return isTooMany ? 'too_many_unknown' : 'finished'
}

async function abandonForgottenParts({ db, s3, orphanAfterMs }: Reconciling, signal: AbortSignal): Promise<void> {
  const begunBefore = Date.now() - orphanAfterMs
  for await (const { key, multipartId, begunAt } of listGatherings(s3)) {
    signal.throwIfAborted()
    if (begunAt.getTime() > begunBefore) continue
    if ((await findGathered(db, [multipartId])).size === 0) await abandonParts(s3, key, multipartId)
  }
}
