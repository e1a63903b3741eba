import { readyKey, uploadIdOf } from '../domain/object-keys.ts'
import { findObject, listObjects, type ListedObject } from '../store/objects.ts'
import {
  noteMissing,
  readyUploads,
  statesOf,
  type ComparedUpload,
  type ReadyUpload,
} from '../store/compared-uploads.ts'
import type { Counts } from '../store/reconciliations.ts'
import type { Reconciling } from './reconcile.ts'

export interface Comparison {
  readonly found: Omit<Counts, 'removedObjects'>
  /** How many of the objects are named as ours. */
  readonly ownObjects: number
  /** Keys of objects that nobody needs, at most so many as can be kept in mind. */
  readonly removable: readonly string[]
}

const OBJECTS_AT_ONCE = 1_000
const UPLOADS_AT_ONCE = 1_000
const MOST_REMOVABLE = 100_000
const NAMED_MISSING = 100

/** Goes through the list of the bucket and the list of ready uploads side by side, both in the order of keys. */
export async function compare(
  { db, s3, orphanAfterMs }: Reconciling,
  progress: (counts: Counts) => Promise<void>,
  signal: AbortSignal,
): Promise<Comparison> {
  const listedBefore = Date.now() - orphanAfterMs
  const removable: string[] = []
  const counts = { objects: 0, uploads: 0, unknownObjects: 0, missingObjects: 0, missingUploadIds: [] as string[] }
  let ownObjects = 0
  await using ready = readyUploads(db, orphanAfterMs)
  let expected = await next()

  async function next(): Promise<ReadyUpload | undefined> {
    const { value, done } = await ready.next()
    if (done === true || value === undefined) return undefined
    signal.throwIfAborted()
    counts.uploads += 1
    // Where many are missing, no object is looked at for a long time.
    if (counts.uploads % UPLOADS_AT_ONCE === 0) await progress({ ...counts, removedObjects: 0 })
    return value
  }

  /** Uploads whose key comes before this one are not in the list. */
  async function expectUpTo(key: string | undefined): Promise<void> {
    while (expected !== undefined && (key === undefined || keyOf(expected) <= key)) {
      await (keyOf(expected) === key ? isThere(expected) : isPerhapsMissing(expected))
      expected = await next()
    }
  }

  async function isThere({ id, missingSince }: ReadyUpload): Promise<void> {
    if (missingSince !== null) await noteMissing(db, [id], false)
  }

  /** It may have come into the bucket behind the place where the list was, or be deleted meanwhile. */
  async function isPerhapsMissing(upload: ReadyUpload): Promise<void> {
    if ((await findObject(s3, keyOf(upload))) !== undefined) return isThere(upload)
    if ((await statesOf(db, [upload.id])).get(upload.id)?.state !== 'ready') return
    counts.missingObjects += 1
    if (counts.missingUploadIds.length < NAMED_MISSING) counts.missingUploadIds.push(upload.id)
    await noteMissing(db, [upload.id], true)
  }

  async function look(page: readonly ListedObject[]): Promise<void> {
    signal.throwIfAborted()
    counts.objects += page.length
    const known = await statesOf(db, [...new Set(page.flatMap(({ key }) => uploadIdOf(key) ?? []))])
    for (const { key, modifiedAt } of page) {
      const id = uploadIdOf(key)
      // What is not named as ours is somebody else's.
      if (id !== undefined) {
        ownObjects += 1
        if (isUnknown(key, known.get(id), modifiedAt.getTime() < listedBefore)) {
          counts.unknownObjects += 1
          if (removable.length < MOST_REMOVABLE) removable.push(key)
        }
      }
      if (key.startsWith('ready/')) await expectUpTo(key)
    }
    await progress({ ...counts, removedObjects: 0 })
  }

  let page: ListedObject[] = []
  for await (const object of listObjects(s3)) {
    page.push(object)
    if (page.length < OBJECTS_AT_ONCE) continue
    await look(page)
    page = []
  }
  await look(page)
  await expectUpTo(undefined)
  return { found: counts, ownObjects, removable }
}

const keyOf = ({ id, createdAt }: ReadyUpload): string => readyKey({ id, createdAt: createdAt.toISOString() })

function isUnknown(key: string, upload: ComparedUpload | undefined, isOld: boolean): boolean {
  if (upload === undefined) return isOld
  switch (upload.state) {
    case 'pending':
    case 'checking':
      return false
    // What was posted once more after the check.
    case 'ready':
      return isOld && key.startsWith('pending/')
    // Removal is on its way to the others. What came after it is wanted by nobody, however young it is.
    case 'rejected':
    case 'deleted':
      return upload.removedAt !== null
  }
}
