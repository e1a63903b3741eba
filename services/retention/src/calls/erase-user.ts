import type { Callers, EventRecord, Handler } from '@parley/bus'
import type { auth, retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { v7 } from 'uuid'
import { decided } from '../decisions.ts'
import { erasureOf } from '../erasures/erasure-of.ts'
import { erasureOrder } from '../erasures/run-erasure.ts'
import { findJob, insertJob, listSteps } from '../store/jobs.ts'
import type { Db } from '../store/tables.ts'
import { assertUserExists } from './assert-user-exists.ts'

/** Whichever instance leads begins with it within seconds. Asked again, it answers the erasure there is. */
export function eraseUser(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  auth: Pick<Callers<typeof auth>, 'getUsers'>
  clock: Clock
}): Handler<(typeof retention)['calls']['eraseUser']> {
  const { db, outbox, clock } = parts
  return async ({ actor, userId, reason }, context) => {
    const existing = await findJob(db, 'erasure', userId)
    if (existing !== undefined) return erasureOf(existing, await listSteps(db, existing.id))
    await assertUserExists(parts.auth, userId, context)
    const at = clock.now()
    const told = await db.transaction().execute(async (transaction) => {
      const job = { id: v7(), kind: 'erasure' as const, userId, requestedBy: actor.userId, requestedAt: at, reason }
      if ((await insertJob(transaction, job, erasureOrder)) === undefined) return undefined
      const decision = { action: 'erasure-requested' as const, actorId: actor.userId, userId }
      return writeOutbox(transaction, [decided({ ...decision, details: { erasureId: job.id }, at })])
    })
    if (told !== undefined) await outbox.send([told])
    const job = (await findJob(db, 'erasure', userId))!
    return erasureOf(job, await listSteps(db, job.id))
  }
}
