import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { v7 } from 'uuid'
import { findExport, finishExport, listPages, noteZip } from '../store/exports.ts'
import { listSteps, noteStep } from '../store/jobs.ts'
import { removeZip } from '../store/remove-export.ts'
import type { Db, JobRow } from '../store/tables.ts'
import { removeLeftoversOf } from './end-exports.ts'
import { gather, type Exporting } from './gather.ts'
import { writeZip } from './write-zip.ts'

/** Those who keep something of a user, each asked for all of it; and then the ZIP. */
export const exportOrder = ['auth', 'messaging', 'media', 'presence', 'retention'] as const

const DAY_MS = 24 * 60 * 60 * 1_000

interface RunningExport {
  readonly db: Db
  readonly s3: S3
  readonly owners: Exporting
  readonly clock: Clock
  readonly exportDays: number
}

/**
 * Goes on with an export until it is ready. It may be broken off anywhere, and may be done by two at once: each puts objects of its
 * own, and only what is noted is part of it.
 */
export async function runExport(using: RunningExport, job: JobRow, signal: AbortSignal): Promise<void> {
  try {
    await finish(using, job, signal)
  } catch (error) {
    // When its user is erased meanwhile, its objects go while they are written.
    if ((await findExport(using.db, job.id))?.state !== 'expired') throw error
  }
  await removeLeftoversOf(using, job.id)
}

/** Resolves early when the export is over. */
async function finish(using: RunningExport, job: JobRow, signal: AbortSignal): Promise<void> {
  const { db, s3, clock } = using
  for (const step of await listSteps(db, job.id)) {
    if (step.state === 'done' || step.service === 'retention') continue
    if (!(await gather({ ...using, now: () => clock.now() }, job, step, signal))) return
  }
  const steps = await listSteps(db, job.id)
  const own = steps.at(-1)!
  if (job.zipId !== null) await removeZip(s3, { id: job.id, zipId: job.zipId })
  const zipId = v7()
  if (!(await noteZip(db, job.id, zipId))) return
  const gathered = { steps: steps.slice(0, -1), pages: await listPages(db, job.id) }
  const { bytes, counts } = await writeZip(using, { job, zipId, ...gathered }, signal)
  const finishedAt = clock.now()
  const keptUntil = new Date(finishedAt.getTime() + using.exportDays * DAY_MS)
  await db.transaction().execute(async (transaction) => {
    if (!(await finishExport(transaction, job.id, { zipId, size: bytes, finishedAt, keptUntil }))) return
    await noteStep(transaction, own, { state: 'done', cursor: null, counts, finishedAt })
  })
}
