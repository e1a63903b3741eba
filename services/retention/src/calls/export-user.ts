import type { Callers, EventRecord, Handler } from '@parley/bus'
import type { auth, retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { v7 } from 'uuid'
import { decided } from '../decisions.ts'
import { exportOf } from '../exports/export-of.ts'
import { exportOrder } from '../exports/run-export.ts'
import { findJob, insertJob, listSteps } from '../store/jobs.ts'
import type { Db } from '../store/tables.ts'
import { assertUserExists } from './assert-user-exists.ts'

/** Whichever instance leads begins with it within seconds. While one is under way, it is that one. */
export function exportUser(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  auth: Pick<Callers<typeof auth>, 'getUsers'>
  clock: Clock
}): Handler<(typeof retention)['calls']['exportUser']> {
  const { db, outbox, clock } = parts
  return async ({ actor, userId }, context) => {
    await assertUserExists(parts.auth, userId, context)
    const at = clock.now()
    const told = await db.transaction().execute(async (transaction) => {
      const asked = { userId, requestedBy: actor.userId, requestedAt: at, reason: null }
      const job = await insertJob(transaction, { id: v7(), kind: 'export', ...asked }, exportOrder)
      if (job === undefined) return undefined
      const decision = { action: 'export-requested' as const, actorId: actor.userId, userId }
      return writeOutbox(transaction, [decided({ ...decision, details: { exportId: job.id }, at })])
    })
    if (told !== undefined) await outbox.send([told])
    const job = (await findJob(db, 'export', userId))!
    return exportOf(job, await listSteps(db, job.id), null)
  }
}
