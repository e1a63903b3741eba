import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import { hasChangingMembers, mayLeave, mayRemove } from '../domain/permissions.ts'
import { lockConversation, updateConversation } from '../store/conversations.ts'
import { countOwners, findMembers, removeMember } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

/** A member is removed by another, or leaves: then both are the same. */
export function endMembership(
  db: Db,
  { conversationId, actorId, userId }: { conversationId: string; actorId: string; userId: string },
): Promise<OutboxRow<Change>> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const members = await findMembers(transaction, conversationId, [actorId, userId])
    const actor = members.find((member) => member.userId === actorId)
    const leaver = members.find((member) => member.userId === userId)
    if (conversation === undefined || actor === undefined) throw refuse.not_a_member()
    if (!hasChangingMembers(conversation.kind)) throw refuse.forbidden({}, 'Nobody can leave a direct conversation.')
    if (leaver === undefined) throw refuse.user_not_found({}, 'This user is not a member of the conversation.')
    if (leaver === actor) {
      const owners = await countOwners(transaction, conversationId)
      if (!mayLeave(actor.role, { owners, members: conversation.memberCount })) throw refuse.last_owner()
    } else if (!mayRemove(actor.role, leaver.role)) {
      throw refuse.forbidden({}, 'Owners can remove anyone, admins only those who are neither owner nor admin.')
    }
    const version = conversation.version + 1
    const memberCount = conversation.memberCount - 1
    await updateConversation(transaction, conversationId, { version, memberCount })
    const left = await removeMember(transaction, conversation, { userId, version }, conversation.now)
    const change: Change = { kind: 'member-left', conversationId, left }
    return writeOutbox(transaction, [change])
  })
}
