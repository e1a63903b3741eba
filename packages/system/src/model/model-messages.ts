import { may } from './rules.ts'
import { answered, refused, type Outcome } from './outcome.ts'
import type { ModelConversation, ModelMember, ModelMessage } from './model-conversation.ts'

export interface Draft {
  readonly id: string
  readonly text: string
  readonly replyTo: string | null
  readonly mentions: readonly string[]
}

/** A message that was not sent before. */
export function send(conversation: ModelConversation, senderId: string, draft: Draft): Outcome<ModelMessage> {
  const { kind } = conversation
  const sender = conversation.member(senderId)
  if (sender === undefined) return refused('not_a_member')
  if (conversation.isArchived) return refused('conversation_archived')
  if (!may('send', { kind, role: sender.role })) return refused('forbidden')
  if (draft.replyTo !== null && conversation.visibleMessage(sender, draft.replyTo) === undefined) {
    return refused('reply_not_found')
  }
  if (!areMembers(conversation, draft.mentions)) return refused('mention_not_a_member')
  const sequence = conversation.lastSequence + 1
  const message: ModelMessage = {
    ...draft,
    sequence,
    version: conversation.change('MessageCreated'),
    senderId,
    mentions: [...new Set(draft.mentions)],
    reactions: [],
    isEdited: false,
    isDeleted: false,
    edits: [],
  }
  conversation.messages.push(message)
  sender.read = sequence
  return answered(message)
}

export function edit(
  conversation: ModelConversation,
  userId: string,
  change: { readonly messageId: string; readonly text: string; readonly mentions?: readonly string[] | undefined },
): Outcome<ModelMessage> {
  const found = find(conversation, userId, change.messageId)
  if ('refused' in found) return found
  const { member, message } = found.value
  if (message.isDeleted) return refused('message_not_found')
  if (conversation.isArchived) return refused('conversation_archived')
  const maySend = may('send', { kind: conversation.kind, role: member.role })
  if (message.senderId !== userId || !maySend) return refused('forbidden')
  const mentions = [...new Set(change.mentions ?? message.mentions)]
  const isSame = (some: string[], others: string[]) => some.toSorted().join() === others.toSorted().join()
  if (change.text === message.text && isSame(mentions, message.mentions)) return answered(message)
  const added = mentions.filter((id) => !message.mentions.includes(id))
  if (!areMembers(conversation, added)) return refused('mention_not_a_member')
  message.edits.push({ text: message.text, mentions: message.mentions })
  message.text = change.text
  message.mentions = mentions
  message.isEdited = true
  message.version = conversation.change('MessageUpdated', message.sequence)
  return answered(message)
}

export function remove(conversation: ModelConversation, userId: string, messageId: string): Outcome<ModelMessage> {
  const found = find(conversation, userId, messageId)
  if ('refused' in found) return found
  const { member, message } = found.value
  const mayDelete = may('delete messages of others', { kind: conversation.kind, role: member.role })
  if (message.senderId !== userId && !mayDelete) return refused('forbidden')
  if (message.isDeleted) return answered(message)
  message.text = ''
  message.mentions = []
  message.reactions = []
  message.edits = []
  message.isDeleted = true
  message.version = conversation.change('MessageUpdated', message.sequence)
  return answered(message)
}

export function react(
  conversation: ModelConversation,
  userId: string,
  { messageId, emoji, wanted }: { readonly messageId: string; readonly emoji: string; readonly wanted: boolean },
): Outcome<ModelMessage> {
  const found = find(conversation, userId, messageId)
  if ('refused' in found) return found
  const { message } = found.value
  if (message.isDeleted) return refused('message_not_found')
  if (conversation.isArchived) return refused('conversation_archived')
  const reaction = message.reactions.find((one) => one.emoji === emoji)
  const isThere = reaction?.userIds.includes(userId) === true
  if (isThere === wanted) return answered(message)
  if (!wanted) {
    reaction!.userIds = reaction!.userIds.filter((id) => id !== userId)
    message.reactions = message.reactions.filter(({ userIds }) => userIds.length > 0)
  } else if (reaction !== undefined) reaction.userIds = [...reaction.userIds, userId]
  else message.reactions = [...message.reactions, { emoji, userIds: [userId] }]
  message.version = conversation.change('MessageUpdated', message.sequence)
  return answered(message)
}

export function find(
  conversation: ModelConversation,
  userId: string,
  messageId: string,
): Outcome<{ member: ModelMember; message: ModelMessage }> {
  const member = conversation.member(userId)
  if (member === undefined) return refused('not_a_member')
  const message = conversation.visibleMessage(member, messageId)
  return message === undefined ? refused('message_not_found') : answered({ member, message })
}

const areMembers = (conversation: ModelConversation, userIds: readonly string[]): boolean =>
  userIds.every((userId) => conversation.member(userId) !== undefined)
