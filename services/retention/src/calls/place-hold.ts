import type { CallContext, Callers, EventRecord, Handler } from '@parley/bus'
import { refuse, type auth, type retention } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import { limits, type Hold } from '@parley/protocol'
import type { Clock } from '@parley/runtime'
import { v7 } from 'uuid'
import { decided } from '../decisions.ts'
import { holdOf } from '../holds/hold-of.ts'
import { tellHolds, type TellingHolds } from '../holds/tell-holds.ts'
import { preview, type Previewing } from '../policies/preview.ts'
import { findHold, insertHold } from '../store/holds.ts'
import type { Db, HoldRow } from '../store/tables.ts'
import { assertUserExists } from './assert-user-exists.ts'

type PlaceHold = (typeof retention)['calls']['placeHold']
type Asked = Pick<HoldRow, 'id' | 'userId' | 'conversationId' | 'reason' | 'placedBy'>

/** It holds when it is answered. When it could not be told to messaging, it is told again until it is. */
export function placeHold(parts: {
  db: Db
  outbox: Outbox<EventRecord>
  auth: Pick<Callers<typeof auth>, 'getUsers'>
  messaging: TellingHolds['messaging'] & Previewing
  clock: Clock
}): Handler<PlaceHold> {
  const { db, outbox, messaging, clock } = parts

  async function assertExists({ userId, conversationId }: Asked, within: CallContext): Promise<void> {
    if (userId !== null) {
      await assertUserExists(parts.auth, userId, within)
    } else {
      // By the longest periods nothing expires, so nothing has to be counted.
      const longest = { messageDays: limits.mostRetentionDays, fileDays: limits.mostRetentionDays }
      await preview(messaging, { conversationId, kind: null, ...longest }, within)
    }
  }

  async function place(asked: Asked): Promise<HoldRow> {
    const at = clock.now()
    const { id, userId, conversationId } = asked
    const placed = await db.transaction().execute(async (transaction) => {
      const hold = await insertHold(transaction, { ...asked, placedAt: at })
      if (hold === undefined) return undefined
      const details = { holdId: id, conversationId }
      const decision = decided({ action: 'hold-placed', actorId: asked.placedBy, userId, details, at })
      return { hold, told: await writeOutbox(transaction, [decision]) }
    })
    if (placed === undefined) return sameAs(asked)
    await outbox.send([placed.told])
    return placed.hold
  }

  async function sameAs(asked: Asked): Promise<HoldRow> {
    const existing = await findHold(db, asked.id)
    const isSame =
      existing?.userId === asked.userId &&
      existing.conversationId === asked.conversationId &&
      existing.reason === asked.reason &&
      existing.placedBy === asked.placedBy
    if (!isSame) throw refuse.hold_id_conflict()
    return existing
  }

  return async ({ actor, id = v7(), userId = null, conversationId = null, reason }, context): Promise<Hold> => {
    if ((userId === null) === (conversationId === null)) {
      throw refuse.invalid_input({}, 'userId: either this or conversationId must be named.')
    }
    const asked = { id, userId, conversationId, reason, placedBy: actor.userId }
    await assertExists(asked, context)
    const hold = await place(asked)
    await tellHolds({ db, messaging }, [id])
    return holdOf(hold)
  }
}
