import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import type { Telling } from '../delivery/open-telling.ts'
import { readExpiryCursor, writeExpiryCursor } from '../domain/expiry-cursor.ts'
import { expirePart } from '../expiry/expire-part.ts'
import { beginExpiry } from '../expiry/expiring.ts'
import { paceFor } from '../expiry/pace.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

/** How long one part of it takes, about. */
const PART_MS = 2_000

export function expireMessages(parts: {
  db: Db
  retention: Retention
  telling: Telling
}): Handler<(typeof messaging)['calls']['expireMessages']> {
  const { db, retention, telling } = parts
  return async ({ cursor: asked, leaveDefaultToMonths }) => {
    const expiry = beginExpiry({ db, retention, telling, leaveDefaultToMonths, pace: paceFor(PART_MS) })
    try {
      const { cursor, busy } = await expirePart(expiry, readExpiryCursor(asked))
      const { counts } = expiry
      if (cursor !== undefined) return { counts, cursor: writeExpiryCursor(cursor), outcome: 'more' }
      return { counts, cursor: null, outcome: busy ? 'busy' : 'done' }
    } catch (error) {
      // What was done so far stays done, and the next time goes on.
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}
