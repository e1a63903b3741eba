import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { may, type Conversation, type InputOf, type UpdateConversation } from '@parley/protocol'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, findConversation, lockConversation, updateConversation } from '../store/conversations.ts'
import { findMember } from '../store/members.ts'
import { findOwnConversation } from '../store/own-conversations.ts'
import type { ConversationRow, Db, MemberRow } from '../store/tables.ts'

type Properties = Pick<ConversationRow, 'title' | 'avatarUrl' | 'historyVisibility' | 'archivedAt'>
type Locked = ConversationRow & { readonly now: Date }

interface Changing {
  readonly conversationId: string
  readonly actorId: string
  readonly wanted: Omit<InputOf<typeof UpdateConversation>, 'conversationId' | 'avatarId'>
}

/** Its own properties. Answers the conversation as the actor sees it; nothing is told when it is as wanted already. */
export function changeConversation(
  db: Db,
  retention: Retention,
  { conversationId, actorId, wanted }: Changing,
): Promise<{ conversation: Conversation; told: OutboxRow<Change> | undefined }> {
  return db.transaction().execute(async (transaction) => {
    const before = await lockConversation(transaction, conversationId)
    const actor = await findMember(transaction, conversationId, actorId)
    if (before === undefined) throw refuse.not_a_member()
    assertMay(before, actor)
    const changed = differences(before, wanted)
    let told: OutboxRow<Change> | undefined
    if (Object.keys(changed).length > 0) {
      const version = before.version + 1
      await updateConversation(transaction, conversationId, { ...changed, version, updatedVersion: version })
      const after = conversationOf({ ...before, ...changed, version }, null, retention.messageDays(before))
      told = await writeOutbox(transaction, [{ kind: 'conversation-updated', conversation: after }])
    }
    const own = await findOwnConversation(transaction, retention, { conversationId, userId: actorId })
    if (own === undefined) throw new Error('a member does not find their conversation')
    return { conversation: own, told }
  })
}

/** As it is now: it may be otherwise when it is changed. */
export async function assertMayChange(
  db: Db,
  { conversationId, actorId }: Pick<Changing, 'conversationId' | 'actorId'>,
): Promise<void> {
  const conversation = await findConversation(db, conversationId)
  if (conversation === undefined) throw refuse.not_a_member()
  assertMay(conversation, await findMember(db, conversationId, actorId))
}

function assertMay({ kind }: ConversationRow, actor: MemberRow | undefined): void {
  if (actor === undefined) throw refuse.not_a_member()
  if (!may('update', { kind, role: actor.role })) {
    throw refuse.forbidden({}, 'Only owners and admins can change a group or channel.')
  }
}

function differences(before: Locked, wanted: Changing['wanted']): Partial<Properties> {
  const { title, avatarUrl, historyVisibility, archived } = wanted
  return {
    ...(title !== undefined && title !== before.title && { title }),
    ...(avatarUrl !== undefined && avatarUrl !== before.avatarUrl && { avatarUrl }),
    ...(historyVisibility !== undefined && historyVisibility !== before.historyVisibility && { historyVisibility }),
    ...(archived !== undefined &&
      archived !== (before.archivedAt !== null) && { archivedAt: archived ? before.now : null }),
  }
}
