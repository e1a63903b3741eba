import type { ModelConversation, ModelMember, ModelMessage } from './model-conversation.ts'
import type { ModelTalk } from './model-talk.ts'
import type { SeenConversation, SeenMember, SeenMessage } from './seen.ts'

export function messageView(message: ModelMessage): SeenMessage {
  const { edits: _, reactions, ...said } = message
  return { ...said, reactions: reactions.map(({ emoji, userIds }) => ({ emoji, count: userIds.length, userIds })) }
}

export function memberView({ userId, role, isMember, shownRead }: ModelMember): SeenMember {
  return { userId, role, isMember, readSequence: shownRead }
}

export const historyView = (conversation: ModelConversation, member: ModelMember): SeenMessage[] =>
  conversation.messages.filter(({ sequence }) => sequence >= member.visibleFrom).map(messageView)

/** As one of its members gets it. */
export function conversationView(conversation: ModelConversation, member: ModelMember): SeenConversation {
  const { id, kind, title, historyVisibility, isArchived, version, lastSequence, messages } = conversation
  const floor = Math.max(member.read, member.joinedSequence)
  const unread = messages.filter(({ sequence }) => sequence > floor)
  const last = historyView(conversation, member).at(-1)
  return {
    id,
    kind,
    title,
    historyVisibility,
    isArchived,
    version,
    lastSequence,
    lastMessage: last ?? null,
    memberCount: conversation.members.length,
    me: {
      role: member.role,
      joinedSequence: member.joinedSequence,
      readSequence: member.read,
      unreadCount: unread.length,
      mentionCount: unread.filter(({ mentions }) => mentions.includes(member.userId)).length,
      mutedUntil: member.mutedUntil,
    },
  }
}

/** A user's conversations, newest activity first. */
export const inboxView = (talk: ModelTalk, userId: string): SeenConversation[] =>
  talk.conversations.flatMap((conversation) => {
    const member = conversation.member(userId)
    return member === undefined ? [] : [conversationView(conversation, member)]
  })

/** Between which sequences a member's watermark of what was delivered must be. */
export function deliveredView(talk: ModelTalk, conversation: ModelConversation, { userId, delivered }: ModelMember) {
  const most = talk.selfDelivering.has(userId) ? conversation.lastSequence : delivered.most
  return { least: delivered.least, most }
}

/** Who could have a message, and whether they are shown as having read it. By user. */
export const readersView = (conversation: ModelConversation, message: ModelMessage) =>
  conversation.members
    .filter(({ userId, joinedSequence }) => userId !== message.senderId && joinedSequence < message.sequence)
    .map((member) => ({ member, isRead: member.shownRead >= message.sequence }))
    .toSorted((a, b) => (a.member.userId < b.member.userId ? -1 : 1))
