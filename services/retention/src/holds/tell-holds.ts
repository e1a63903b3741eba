import type { Callers } from '@parley/bus'
import { Refused, type messaging } from '@parley/contracts'
import { confirmHolds, lockHolds, lockUnconfirmedHolds } from '../store/holds.ts'
import type { Db, HoldRow } from '../store/tables.ts'

export interface TellingHolds {
  readonly db: Db
  readonly messaging: Pick<Callers<typeof messaging>, 'applyHolds'>
}

const HOLDS_AT_ONCE = 100

/** Resolves when messaging goes by these, or by all that it may not know yet. */
export async function tellHolds(using: TellingHolds, ids: readonly string[] | 'all'): Promise<void> {
  for (;;) {
    const told = await using.db.transaction().execute(async (transaction) => {
      const holds = await lockUnconfirmedHolds(transaction, ids, HOLDS_AT_ONCE)
      await tellLocked(using, transaction, holds)
      return holds.length
    })
    if (told < HOLDS_AT_ONCE) return
  }
}

/** All there ever were, known or not: messaging may have been put back to an earlier state. */
export async function tellHoldsAgain(using: TellingHolds, signal: AbortSignal): Promise<void> {
  let after: string | undefined
  do {
    signal.throwIfAborted()
    after = await using.db.transaction().execute(async (transaction) => {
      const holds = await lockHolds(transaction, { after, limit: HOLDS_AT_ONCE })
      await tellLocked(using, transaction, holds)
      return holds.length < HOLDS_AT_ONCE ? undefined : holds.at(-1)!.id
    })
  } while (after !== undefined)
}

async function tellLocked(using: TellingHolds, transaction: Db, holds: readonly HoldRow[]): Promise<void> {
  if (holds.length === 0) return
  await apply(using, holds)
  await confirmHolds(
    transaction,
    holds.map(({ id }) => id),
  )
}

async function apply(using: TellingHolds, holds: readonly HoldRow[]): Promise<void> {
  const placed = holds
    .filter(({ releasedAt }) => releasedAt === null)
    .map(({ id, userId, conversationId }) => ({ id, userId, conversationId }))
  const released = holds.filter(({ releasedAt }) => releasedAt !== null).map(({ id }) => id)
  const answer = await using.messaging.applyHolds({ placed, released })
  if (answer.ok) return
  if (answer.refusal.code !== 'conversation_not_found') throw new Refused(answer.refusal)
  // Messaging was put back to before that conversation, of which nothing is there to be deleted. It keeps no others from being told.
  if (holds.length > 1) for (const hold of holds) await apply(using, [hold])
}
