import { may } from '@parley/protocol'
import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import { mayGoAsOwner } from '../domain/last-owner.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, lockConversation, updateConversation } from '../store/conversations.ts'
import { countOwners, findMembers, removeMember } from '../store/members.ts'
import type { ConversationRow, Db, MemberRow } from '../store/tables.ts'

/** A member is removed by another, or leaves: then both are the same. */
export function endMembership(
  db: Db,
  { conversationId, actorId, userId }: { conversationId: string; actorId: string; userId: string },
  retention: Retention,
): Promise<OutboxRow<Change>> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const members = await findMembers(transaction, conversationId, [actorId, userId])
    const actor = members.find((member) => member.userId === actorId)
    const leaver = members.find((member) => member.userId === userId)
    if (conversation === undefined || actor === undefined) throw refuse.not_a_member()
    if (leaver === actor) await assertMayLeave(transaction, conversation, actor)
    else assertMayRemove(conversation, actor, leaver)
    const version = conversation.version + 1
    const memberCount = conversation.memberCount - 1
    await updateConversation(transaction, conversationId, { version, memberCount })
    const left = await removeMember(transaction, conversation, { userId, version }, conversation.now)
    const change: Change = {
      kind: 'member-left',
      conversation: conversationOf(
        { ...conversation, version, memberCount },
        null,
        retention.messageDays(conversation),
      ),
      left,
    }
    return writeOutbox(transaction, [change])
  })
}

async function assertMayLeave(db: Db, { id, kind, memberCount }: ConversationRow, { role }: MemberRow): Promise<void> {
  if (!may('leave', { kind, role })) throw refuse.forbidden({}, 'Nobody can leave a direct conversation.')
  if (role !== 'owner') return
  const owners = await countOwners(db, id)
  if (!mayGoAsOwner({ owners, members: memberCount })) throw refuse.last_owner()
}

function assertMayRemove({ kind }: ConversationRow, actor: MemberRow, leaver: MemberRow | undefined): void {
  const by = { kind, role: actor.role }
  if (!may('remove members', by)) throw refuse.forbidden({}, 'Only owners and admins of a group or channel can remove.')
  if (leaver === undefined) throw refuse.user_not_found({}, 'This user is not a member of the conversation.')
  if (leaver.role !== 'member' && !may('remove owners and admins', by)) {
    throw refuse.forbidden({}, 'Admins can remove only those who are neither owner nor admin.')
  }
}
