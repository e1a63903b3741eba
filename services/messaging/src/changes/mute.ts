import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { findMember, setMute } from '../store/members.ts'
import type { Db } from '../store/tables.ts'
import { ownPartChange } from './own-part-change.ts'

/** A member's own business, and no change of the conversation. Undefined when it is so already. */
export function mute(
  db: Db,
  retention: Retention,
  { conversationId, userId, until }: { conversationId: string; userId: string; until: Date | null },
): Promise<OutboxRow<Change> | undefined> {
  return db.transaction().execute(async (transaction) => {
    const own = { conversationId, userId }
    const membershipVersion = await setMute(transaction, own, until)
    if (membershipVersion !== undefined) {
      return writeOutbox(transaction, [await ownPartChange(transaction, retention, { ...own, membershipVersion })])
    }
    if ((await findMember(transaction, conversationId, userId)) === undefined) throw refuse.not_a_member()
    return undefined
  })
}
