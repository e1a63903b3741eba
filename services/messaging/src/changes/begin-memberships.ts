import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { may, type Member } from '@parley/protocol'
import { maxMembers } from '../domain/capabilities.ts'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, findConversation, lockConversation, updateConversation } from '../store/conversations.ts'
import { findMember, findMembers, joinMembers, memberOf } from '../store/members.ts'
import type { ConversationRow, Db, MemberRow } from '../store/tables.ts'

interface Adding {
  readonly conversationId: string
  readonly actorId: string
  readonly userIds: readonly string[]
}

/** Whether it could be done now, before others are asked about the users. */
export async function assertMayAdd(db: Db, adding: Omit<Adding, 'userIds'>): Promise<void> {
  assertMayAddTo(
    await findConversation(db, adding.conversationId),
    await findMember(db, adding.conversationId, adding.actorId),
  )
}

/** Those that are not members become so, each with a version of its own. Nothing is told when all are members already. */
export function beginMemberships(
  db: Db,
  { conversationId, actorId, userIds }: Adding,
  retention: Retention,
): Promise<{ members: Member[]; told: OutboxRow<Change> | undefined }> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const found = await findMembers(transaction, conversationId, [actorId, ...userIds])
    assertMayAddTo(
      conversation,
      found.find(({ userId }) => userId === actorId),
    )
    const present = found.filter(({ userId }) => userIds.includes(userId)).map(memberOf)
    const added = [...new Set(userIds).difference(new Set(present.map(({ userId }) => userId)))]
    if (added.length === 0) return { members: present, told: undefined }
    if (conversation.archivedAt !== null) throw refuse.conversation_archived()
    const memberCount = conversation.memberCount + added.length
    if (memberCount > maxMembers[conversation.kind]) throw refuse.too_many_members()
    const version = conversation.version + added.length
    await updateConversation(transaction, conversationId, { version, memberCount })
    const joining = added.map((userId, index) => ({
      userId,
      role: 'member' as const,
      version: conversation.version + 1 + index,
    }))
    const joined = await joinMembers(transaction, conversation, joining, conversation.now)
    const change: Change = {
      kind: 'members-joined',
      conversation: conversationOf(
        { ...conversation, version, memberCount },
        null,
        retention.messageDays(conversation),
      ),
      joined,
    }
    const members = [...present, ...joined.map(({ member }) => member)]
    return { members, told: await writeOutbox(transaction, [change]) }
  })
}

function assertMayAddTo<Row extends ConversationRow>(
  conversation: Row | undefined,
  actor: MemberRow | undefined,
): asserts conversation is Row {
  if (conversation === undefined || actor === undefined) throw refuse.not_a_member()
  if (!may('add members', { kind: conversation.kind, role: actor.role })) {
    throw refuse.forbidden({}, 'Only owners and admins of a group or channel can add members.')
  }
}
