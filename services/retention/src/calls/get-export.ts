import type { EventRecord, Handler } from '@parley/bus'
import { refuse, type retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { decided } from '../decisions.ts'
import { exportOf } from '../exports/export-of.ts'
import { signZip } from '../store/export-objects.ts'
import { findJob, listSteps } from '../store/jobs.ts'
import type { Db } from '../store/tables.ts'

/** Who is given a link is written down. */
export function getExport(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  s3: S3
  clock: Clock
}): Handler<(typeof retention)['calls']['getExport']> {
  const { db, outbox, s3, clock } = parts
  return async ({ actor, userId }) => {
    const job = await findJob(db, 'export', userId)
    if (job === undefined) throw refuse.export_not_found()
    const steps = await listSteps(db, job.id)
    const isKept = job.keptUntil !== null && clock.now() < job.keptUntil
    if (job.state === 'ready' && !isKept) return exportOf({ ...job, state: 'expired' }, steps, null)
    if (job.state !== 'ready' || job.zipId === null) return exportOf(job, steps, null)
    const zip = { exportId: job.id, zipId: job.zipId }
    const told = await db.transaction().execute((transaction) => {
      const decision = { action: 'export-downloaded' as const, actorId: actor.userId, userId }
      return writeOutbox(transaction, [decided({ ...decision, details: { exportId: job.id }, at: clock.now() })])
    })
    await outbox.send([told])
    return exportOf(job, steps, await signZip(s3, zip, `${userId}.zip`))
  }
}
