import type { EventRecord, Handler } from '@parley/bus'
import { refuse, type retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { decided } from '../decisions.ts'
import { holdOf } from '../holds/hold-of.ts'
import { tellHolds, type TellingHolds } from '../holds/tell-holds.ts'
import { findHold, releaseHold as release } from '../store/holds.ts'
import { hurryJobsOf } from '../store/jobs.ts'
import type { Db } from '../store/tables.ts'

/** Released again, it stays as it was released. */
export function releaseHold(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  messaging: TellingHolds['messaging']
  clock: Clock
}): Handler<(typeof retention)['calls']['releaseHold']> {
  const { db, outbox, messaging, clock } = parts
  return async ({ actor, holdId: id }) => {
    const at = clock.now()
    const told = await db.transaction().execute(async (transaction) => {
      const hold = await release(transaction, { id, releasedBy: actor.userId, releasedAt: at })
      if (hold === undefined) return undefined
      const { userId, conversationId } = hold
      if (userId !== null) await hurryJobsOf(transaction, userId)
      const details = { holdId: id, conversationId }
      return writeOutbox(transaction, [
        decided({ action: 'hold-released', actorId: actor.userId, userId, details, at }),
      ])
    })
    if (told !== undefined) await outbox.send([told])
    const hold = await findHold(db, id)
    if (hold === undefined) throw refuse.hold_not_found()
    await tellHolds({ db, messaging }, [id])
    return holdOf(hold)
  }
}
