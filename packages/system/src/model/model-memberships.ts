import type { HistoryVisibility, Role } from '@parley/protocol'
import { may, type Action } from './rules.ts'
import { answered, refused, type Outcome } from './outcome.ts'
import type { ModelConversation, ModelMember } from './model-conversation.ts'

/** Answers with all that were named, as members. */
export function addMembers(
  conversation: ModelConversation,
  actorId: string,
  userIds: readonly string[],
): Outcome<ModelMember[]> {
  const actor = allowed(conversation, actorId, 'add members')
  if ('refused' in actor) return actor
  const added = [...new Set(userIds)].filter((userId) => conversation.member(userId) === undefined)
  if (added.length > 0 && conversation.isArchived) return refused('conversation_archived')
  for (const userId of added) {
    // Those who are members already are told; the new one gets the conversation instead.
    conversation.begin(userId, conversation.version + 1)
    conversation.change('MemberJoined')
  }
  return answered([...new Set(userIds)].map((userId) => conversation.member(userId)!))
}

/** Who names themselves leaves. */
export function removeMember(conversation: ModelConversation, actorId: string, userId: string): Outcome<object> {
  const actor = conversation.member(actorId)
  if (actor === undefined) return refused('not_a_member')
  const leaver = conversation.member(userId)
  const is = (action: Action) => may(action, { kind: conversation.kind, role: actor.role })
  if (leaver === actor) {
    if (!is('leave')) return refused('forbidden')
    const isLastOwner = actor.role === 'owner' && conversation.owners === 1
    if (isLastOwner && conversation.members.length > 1) return refused('last_owner')
  } else {
    if (!is('remove members')) return refused('forbidden')
    if (leaver === undefined) return refused('user_not_found')
    if (leaver.role !== 'member' && !is('remove owners and admins')) return refused('forbidden')
  }
  // Who goes is told that as the last thing.
  leaver!.changedVersion = conversation.change('MemberLeft')
  leaver!.isMember = false
  return answered({})
}

export function changeRole(
  conversation: ModelConversation,
  actorId: string,
  { userId, role }: { readonly userId: string; readonly role: Role },
): Outcome<ModelMember> {
  const actor = allowed(conversation, actorId, 'change roles')
  if ('refused' in actor) return actor
  const member = conversation.member(userId)
  if (member === undefined) return refused('user_not_found')
  if (member.role === role) return answered(member)
  if (member.role === 'owner' && conversation.owners === 1) return refused('last_owner')
  member.role = role
  member.changedVersion = conversation.change('MemberChanged')
  return answered(member)
}

export function update(
  conversation: ModelConversation,
  actorId: string,
  wanted: {
    readonly title?: string
    readonly archived?: boolean
    readonly historyVisibility?: HistoryVisibility
  },
): Outcome<ModelMember> {
  const actor = allowed(conversation, actorId, 'update')
  if ('refused' in actor) return actor
  const { title, isArchived, historyVisibility } = conversation
  conversation.title = wanted.title ?? title
  conversation.isArchived = wanted.archived ?? isArchived
  conversation.historyVisibility = wanted.historyVisibility ?? historyVisibility
  const isSame =
    conversation.title === title &&
    conversation.isArchived === isArchived &&
    conversation.historyVisibility === historyVisibility
  if (!isSame) conversation.change('ConversationUpdated')
  return actor
}

function allowed(conversation: ModelConversation, actorId: string, action: Action): Outcome<ModelMember> {
  const actor = conversation.member(actorId)
  if (actor === undefined) return refused('not_a_member')
  return may(action, { kind: conversation.kind, role: actor.role }) ? answered(actor) : refused('forbidden')
}
