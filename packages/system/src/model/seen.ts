import type { Conversation, Member, Message } from '@parley/protocol'

/** What the model says of a message: all but the times. */
export function seenMessage(message: Message) {
  const { id, sequence, version, senderId, text, replyTo, mentions, reactions, editedAt, deletedAt } = message
  return {
    id,
    sequence,
    version,
    senderId,
    text,
    replyTo,
    mentions,
    reactions: reactions.map(({ emoji, count, userIds }) => ({ emoji, count, userIds })),
    isEdited: editedAt !== null,
    isDeleted: deletedAt !== null,
  }
}

/** The same of a conversation, as one of its members sees it. What is delivered is no exact thing. */
export function seenConversation(conversation: Conversation) {
  const { id, kind, title, historyVisibility, archivedAt, version, lastSequence, lastMessage, memberCount, me } =
    conversation
  if (me === undefined) throw new Error(`a member's own part is missing in ${id}`)
  const { role, joinedSequence, readSequence, unreadCount, mentionCount, mutedUntil } = me
  return {
    id,
    kind,
    title,
    historyVisibility,
    isArchived: archivedAt !== null,
    version,
    lastSequence,
    lastMessage: lastMessage === null ? null : seenMessage(lastMessage),
    memberCount,
    me: { role, joinedSequence, readSequence, unreadCount, mentionCount, mutedUntil },
  }
}

/** The same of a member, as others see it. */
export function seenMember({ userId, role, leftAt, readSequence }: Member) {
  return { userId, role, isMember: leftAt === null, readSequence }
}

export type SeenMessage = ReturnType<typeof seenMessage>
export type SeenConversation = ReturnType<typeof seenConversation>
export type SeenMember = ReturnType<typeof seenMember>
