import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { removeGathered } from '../store/export-objects.ts'
import { finishJob, listSteps, noteStep } from '../store/jobs.ts'
import type { Db, JobRow } from '../store/tables.ts'
import { gather, type Exporting } from './gather.ts'
import { writeZip } from './write-zip.ts'

/** Those who keep something of a user, each asked for all of it; and then the ZIP. */
export const exportOrder = ['auth', 'messaging', 'media', 'presence', 'retention'] as const

const DAY_MS = 24 * 60 * 60 * 1_000

/** Goes on with an export until it is ready. It may be broken off anywhere. */
export async function runExport(
  using: { db: Db; s3: S3; owners: Exporting; clock: Clock; exportDays: number },
  job: JobRow,
  signal: AbortSignal,
): Promise<void> {
  const { db, s3, clock } = using
  const now = () => clock.now()
  for (const step of await listSteps(db, job.id)) {
    if (step.state !== 'done' && step.service !== 'retention') await gather({ ...using, now }, job, step, signal)
  }
  const steps = await listSteps(db, job.id)
  const own = steps.at(-1)!
  const { bytes, counts } = await writeZip(using, job, steps.slice(0, -1), signal)
  const finishedAt = now()
  const keptUntil = new Date(finishedAt.getTime() + using.exportDays * DAY_MS)
  await db.transaction().execute(async (transaction) => {
    await noteStep(transaction, { ...own, counts: {} }, { state: 'done', cursor: null, counts, finishedAt })
    await finishJob(transaction, job.id, { state: 'ready', finishedAt, size: bytes, keptUntil })
  })
  await removeGathered(s3, job.id)
}
