import { BusError, type Handler } from '@parley/bus'
import { refuse, Refused, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { readErasureCursor, writeErasureCursor } from '../domain/erasure-cursor.ts'
import { erasePart } from '../erasure/erase-part.ts'
import { beginErasing, type ErasingParts } from '../erasure/erasing.ts'
import { paceFor } from '../expiry/pace.ts'
import { countHeldOf } from '../store/forget-user.ts'

/** How long one part of it takes, about. */
const PART_MS = 2_000

/** Done is what has gone through everything and found nothing: what was under way meanwhile is found by one more. */
export function eraseUser(parts: ErasingParts): Handler<(typeof messaging)['calls']['eraseUser']> {
  return async ({ userId, cursor: asked }) => {
    const erasing = beginErasing(parts, { userId, pace: paceFor(PART_MS) })
    try {
      const { cursor, isWhole } = await erasePart(erasing, readErasureCursor(asked))
      const { counts } = erasing
      if (!isWhole) return { counts, cursor: writeErasureCursor(cursor), outcome: 'more' }
      if (cursor.found) return { counts, cursor: null, outcome: 'more' }
      const held = await countHeldOf(parts.db, userId)
      return { counts: held > 0 ? { ...counts, 'held.messages': held } : counts, cursor: null, outcome: 'done' }
    } catch (error) {
      // What was done so far stays done, and the next time goes on.
      if (isUnavailable(error) || error instanceof BusError || isBusy(error)) throw refuse.unavailable()
      throw error
    }
  }
}

const isBusy = (error: unknown): boolean => error instanceof Refused && error.refusal.code === 'overloaded'
