import type { Logger } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { uploadIdOf } from '../domain/object-keys.ts'
import { removeObjects } from '../store/objects.ts'
import { abandonParts, listGatherings } from '../store/parts.ts'
import { findGathered } from '../store/compared-uploads.ts'
import { beginReconciliation, endReconciliation, noteReconciliation, type Counts } from '../store/reconciliations.ts'
import type { Db } from '../store/tables.ts'
import { compare, type Comparison } from './compare.ts'

export interface Reconciling {
  readonly db: Db
  readonly s3: S3
  /** Younger objects and uploads may be on their way. */
  readonly orphanAfterMs: number
  /** More unknown objects than this may be too many. */
  readonly mostRemoved?: number
  readonly log: Logger
}

const EVERY_MS = 24 * 60 * 60_000
/** More unknown objects than this, and than this part of ours, are no leftovers: the database or the bucket is the wrong one. */
const MOST_REMOVED = 1_000
const MOST_REMOVED_PART = 0.1
const OBJECTS_AT_ONCE = 1_000

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
  const { db, log } = using
  const progress = (counts: Counts) => noteReconciliation(db, id, counts)
  const compared = await compare(using, progress, signal)
  const { missingUploadIds, ...numbers } = compared.found
  await progress({ ...compared.found, removedObjects: 0 })
  if (isTooMuch(compared, using.mostRemoved)) {
    log.error({ ...numbers }, 'too many objects belong to no upload: none was removed. Is it the right database?')
    return 'too_many_unknown'
  }
  await removeUnknown(using, compared, progress, signal)
  await abandonForgottenParts(using, signal)
  if (numbers.missingObjects > 0) log.warn({ ...numbers, missingUploadIds }, 'objects of uploads are missing')
  else log.info({ ...numbers }, 'bucket and uploads compared')
  return 'finished'
}

/** Of our own objects: however many others the bucket has, they say nothing about the database. */
const isTooMuch = ({ found: { unknownObjects }, ownObjects }: Comparison, mostRemoved = MOST_REMOVED): boolean =>
  unknownObjects > mostRemoved && unknownObjects > ownObjects * MOST_REMOVED_PART

async function removeUnknown(
  { s3 }: Reconciling,
  { found, removable }: Comparison,
  progress: (counts: Counts) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < removable.length; start += OBJECTS_AT_ONCE) {
    signal.throwIfAborted()
    const some = removable.slice(start, start + OBJECTS_AT_ONCE)
    await removeObjects(s3, some)
    await progress({ ...found, removedObjects: start + some.length })
  }
}

async function abandonForgottenParts({ db, s3, orphanAfterMs }: Reconciling, signal: AbortSignal): Promise<void> {
  const begunBefore = Date.now() - orphanAfterMs
  for await (const { key, multipartId, begunAt } of listGatherings(s3)) {
    signal.throwIfAborted()
    // Those that are not named as ours are somebody else's, and may take days.
    if (uploadIdOf(key) === undefined || begunAt.getTime() > begunBefore) continue
    if ((await findGathered(db, [multipartId])).size === 0) await abandonParts(s3, key, multipartId)
  }
}
