import type { Callers } from '@parley/bus'
import { Refused, type messaging } from '@parley/contracts'
import { confirmHolds, listLiveHolds, lockUnconfirmedHolds } from '../store/holds.ts'
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
      if (holds.length === 0) return 0
      await apply(using, holds)
      await confirmHolds(
        transaction,
        holds.map(({ id }) => id),
      )
      return holds.length
    })
    if (told < HOLDS_AT_ONCE) return
  }
}

/** All that hold, known or not: messaging may have been put back to an earlier state. */
export async function tellLiveHoldsAgain(using: TellingHolds): Promise<void> {
  let after: string | undefined
  for (;;) {
    const holds = await listLiveHolds(using.db, { after, limit: HOLDS_AT_ONCE })
    if (holds.length > 0) await apply(using, holds)
    if (holds.length < HOLDS_AT_ONCE) return
    after = holds.at(-1)!.id
  }
}

async function apply({ messaging }: TellingHolds, holds: readonly HoldRow[]): Promise<void> {
  const placed = holds
    .filter(({ releasedAt }) => releasedAt === null)
    .map(({ id, userId, conversationId }) => ({ id, userId, conversationId }))
  const released = holds.filter(({ releasedAt }) => releasedAt !== null).map(({ id }) => id)
  const answer = await messaging.applyHolds({ placed, released })
  if (!answer.ok) throw new Refused(answer.refusal)
}
