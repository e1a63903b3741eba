import type { Counts } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { expireExport, findExport, forgetPages, listExportsOf, listExpiredExports } from '../store/exports.ts'
import { listExportIds, removeAllButZip, removeExport } from '../store/remove-export.ts'
import type { Db } from '../store/tables.ts'

interface Ending {
  readonly db: Db
  readonly s3: S3
}

const EXPORTS_AT_ONCE = 100

/** Exports are kept for some days. One whose objects could not be removed comes again. */
export async function endExpiredExports({ db, s3 }: Ending, now: Date, signal: AbortSignal): Promise<void> {
  for (const job of await listExpiredExports(db, now, EXPORTS_AT_ONCE)) {
    signal.throwIfAborted()
    await removeExport(s3, job)
    await expireExport(db, job.id)
  }
}

/** Of a user who is erased: all of them, ready or under way, now. */
export async function endExportsOf({ db, s3 }: Ending, userId: string): Promise<Counts> {
  let removed = 0
  for (const job of await listExportsOf(db, userId)) {
    // First, so that whoever is writing it does not make it ready.
    await expireExport(db, job.id)
    removed += await removeExport(s3, job)
  }
  return { 's3.exports': removed }
}

/** What was put by who died, or did not know that somebody else leads, or that the export is over. */
export async function removeLeftovers(using: Ending, signal: AbortSignal): Promise<void> {
  for (const id of await listExportIds(using.s3)) {
    signal.throwIfAborted()
    await removeLeftoversOf(using, id)
  }
}

/** All but the ZIP of an export that is ready, and everything of one that is over. */
export async function removeLeftoversOf({ db, s3 }: Ending, id: string): Promise<void> {
  const job = await findExport(db, id)
  const zipId = job?.zipId ?? null
  const isOver = job === undefined || job.state === 'expired'
  if (isOver) await removeExport(s3, { id, zipId })
  else if (job.state === 'ready' && zipId !== null) await removeAllButZip(s3, { id, zipId })
  else return
  await forgetPages(db, id)
}
