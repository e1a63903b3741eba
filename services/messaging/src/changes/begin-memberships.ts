import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { limits } from '@parley/protocol'
import type { Change } from '../domain/change.ts'
import { hasChangingMembers, mayAdd } from '../domain/permissions.ts'
import { conversationOf, findConversation, lockConversation, updateConversation } from '../store/conversations.ts'
import { findMember, findMembers, joinMembers } from '../store/members.ts'
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

/** Those that are not members become so, each with a version of its own. Undefined when all are members already. */
export function beginMemberships(
  db: Db,
  { conversationId, actorId, userIds }: Adding,
  retentionDays: number,
): Promise<OutboxRow<Change> | undefined> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const present = await findMembers(transaction, conversationId, [actorId, ...userIds])
    assertMayAddTo(
      conversation,
      present.find(({ userId }) => userId === actorId),
    )
    const presentIds = new Set(present.map(({ userId }) => userId))
    const added = [...new Set(userIds).difference(presentIds)]
    if (added.length === 0) return undefined
    const memberCount = conversation.memberCount + added.length
    if (memberCount > limits.groupMembers) throw refuse.too_many_members()
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
      conversation: conversationOf({ ...conversation, version, memberCount }, null, retentionDays),
      joined,
    }
    return writeOutbox(transaction, [change])
  })
}

function assertMayAddTo<Row extends ConversationRow>(
  conversation: Row | undefined,
  actor: MemberRow | undefined,
): asserts conversation is Row {
  if (conversation === undefined || actor === undefined) throw refuse.not_a_member()
  if (!hasChangingMembers(conversation.kind)) {
    throw refuse.forbidden({}, 'Nobody can be added to a direct conversation.')
  }
  if (!mayAdd(actor.role)) throw refuse.forbidden({}, 'Only owners and admins can add members.')
}
