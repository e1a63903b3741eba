import { Refused } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { endMembership } from '../changes/end-membership.ts'
import { ownPartChange } from '../changes/own-part-change.ts'
import type { Change } from '../domain/change.ts'
import { mayGoAsOwner } from '../domain/last-owner.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, lockConversation, updateConversation } from '../store/conversations.ts'
import { countOwners, findMember, findSuccessor, setRole } from '../store/members.ts'
import type { OwnPlace } from '../store/erasures.ts'
import type { Db } from '../store/tables.ts'
import type { Erasing } from './erasing.ts'

/** The one who became owner may have gone, too, before the user could. */
const ATTEMPTS = 5

/** In a group or channel: as if they left. Where they are the last owner, somebody else becomes one before. */
export async function endOwnMembership(erasing: Erasing, conversationId: string): Promise<void> {
  const { changesDb, turns, retention, userId } = erasing
  const own = { conversationId, userId }
  for (let attempt = 1; ; attempt++) {
    const handedOver = await turns.inTurn(conversationId, () => handOver(changesDb, retention, own))
    if (handedOver !== undefined) await erasing.done({ counts: { 'postgres.owners': 1 }, told: handedOver })
    try {
      const leaving = { ...own, actorId: userId }
      const told = await turns.inTurn(conversationId, () => endMembership(changesDb, leaving, retention))
      await erasing.done({ counts: { 'postgres.memberships': 1 }, told })
      return
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      // Another instance was faster.
      if (error.refusal.code === 'not_a_member') return
      if (error.refusal.code !== 'last_owner' || attempt === ATTEMPTS) throw error
    }
  }
}

/** In a transaction of its own: users are locked in the order of their ids, and last. */
function handOver(db: Db, retention: Retention, own: OwnPlace): Promise<OutboxRow<Change> | undefined> {
  const { conversationId, userId } = own
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const owner = await findMember(transaction, conversationId, userId)
    if (conversation === undefined || owner?.role !== 'owner') return undefined
    const owners = await countOwners(transaction, conversationId)
    if (mayGoAsOwner({ owners, members: conversation.memberCount })) return undefined
    const successor = await findSuccessor(transaction, own)
    if (successor === undefined) throw new Error('a conversation has fewer members than it says')
    const version = conversation.version + 1
    await updateConversation(transaction, conversationId, { version })
    const place = { conversationId, userId: successor.userId }
    const { member, membershipVersion } = await setRole(transaction, place, { role: 'owner', version })
    const told = conversationOf({ ...conversation, version }, null, retention.messageDays(conversation))
    const changes: Change[] = [
      { kind: 'member-changed', conversation: told, member },
      await ownPartChange(transaction, retention, { ...place, membershipVersion }),
    ]
    return writeOutbox(transaction, changes)
  })
}
