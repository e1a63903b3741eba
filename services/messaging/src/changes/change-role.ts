import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { may, type Member, type Role } from '@parley/protocol'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, lockConversation, updateConversation } from '../store/conversations.ts'
import { countOwners, findMembers, memberOf, setRole } from '../store/members.ts'
import type { Db } from '../store/tables.ts'
import { ownPartChange } from './own-part-change.ts'

/** Nothing is told when the member has the role already. */
export function changeRole(
  db: Db,
  retention: Retention,
  { conversationId, actorId, userId, role }: { conversationId: string; actorId: string; userId: string; role: Role },
): Promise<{ member: Member; told: OutboxRow<Change> | undefined }> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const members = await findMembers(transaction, conversationId, [actorId, userId])
    const actor = members.find((member) => member.userId === actorId)
    const before = members.find((member) => member.userId === userId)
    if (conversation === undefined || actor === undefined) throw refuse.not_a_member()
    if (!may('change roles', { kind: conversation.kind, role: actor.role })) {
      throw refuse.forbidden({}, 'Only owners of a group or channel can change roles.')
    }
    if (before === undefined) throw refuse.user_not_found({}, 'This user is not a member of the conversation.')
    if (before.role === role) return { member: memberOf(before), told: undefined }
    if (before.role === 'owner' && (await countOwners(transaction, conversationId)) === 1) {
      throw refuse.last_owner({}, 'The last owner stays owner until there is another one.')
    }
    const version = conversation.version + 1
    await updateConversation(transaction, conversationId, { version })
    const place = { conversationId, userId }
    const { member, membershipVersion } = await setRole(transaction, place, { role, version })
    const told = conversationOf({ ...conversation, version }, null, retention.messageDays(conversation))
    const changes: Change[] = [
      { kind: 'member-changed', conversation: told, member, changedBy: actorId },
      await ownPartChange(transaction, retention, { ...place, membershipVersion }),
    ]
    return { member, told: await writeOutbox(transaction, changes) }
  })
}
