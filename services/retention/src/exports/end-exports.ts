import type { S3 } from '@parley/s3'
import { removeExport } from '../store/export-objects.ts'
import { expireExport, listExportsOf, listExpiredExports } from '../store/exports.ts'
import type { Db } from '../store/tables.ts'

const EXPORTS_AT_ONCE = 100

/** Exports are kept for some days. One whose objects could not be removed comes again. */
export async function endExpiredExports({ db, s3 }: { db: Db; s3: S3 }, now: Date, signal: AbortSignal): Promise<void> {
  for (const { id } of await listExpiredExports(db, now, EXPORTS_AT_ONCE)) {
    signal.throwIfAborted()
    await removeExport(s3, id)
    await expireExport(db, id)
  }
}

/** Of a user who is erased: all of them, ready or under way, now. */
export async function endExportsOf({ db, s3 }: { db: Db; s3: S3 }, userId: string): Promise<void> {
  for (const { id } of await listExportsOf(db, userId)) {
    // First, so that whoever is writing it does not make it ready.
    await expireExport(db, id)
    await removeExport(s3, id)
  }
}
