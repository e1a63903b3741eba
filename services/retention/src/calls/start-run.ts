import type { EventRecord, Handler } from '@parley/bus'
import type { retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { decided } from '../decisions.ts'
import { requestRun } from '../store/requested-runs.ts'
import type { Db } from '../store/tables.ts'

/** Whichever instance leads does it, within seconds. */
export function startRun(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  clock: Clock
}): Handler<(typeof retention)['calls']['startRun']> {
  const { db, outbox, clock } = parts
  return async ({ actor, kind }) => {
    const at = clock.now()
    const told = await db.transaction().execute(async (transaction) => {
      await requestRun(transaction, kind, at)
      const decision = { action: 'retention-run-started' as const, actorId: actor.userId, userId: null }
      return writeOutbox(transaction, [decided({ ...decision, details: { kind }, at })])
    })
    await outbox.send([told])
    return { requestedAt: at.toISOString() }
  }
}
