import type { Handler } from '@parley/bus'
import { refuse, type retention } from '@parley/contracts'
import { erasureOf } from '../erasures/erasure-of.ts'
import { findJob, listSteps } from '../store/jobs.ts'
import type { Db } from '../store/tables.ts'

export function getErasure({ db }: { db: Db }): Handler<(typeof retention)['calls']['getErasure']> {
  return async ({ userId }) => {
    const job = await findJob(db, 'erasure', userId)
    if (job === undefined) throw refuse.erasure_not_found()
    return erasureOf(job, await listSteps(db, job.id))
  }
}
