import type { MembershipSpan, TopicChange } from '@parley/contracts'
import type { Conversation, HubEvent, HubEventName, Member, Message } from '@parley/protocol'

/** One change of a topic, the event's argument checked against what the hub declares. */
function told<Name extends HubEventName>(
  version: number,
  event: Name,
  argument: HubEvent<Name>,
  besides: Pick<TopicChange, 'afterVersion' | 'left' | 'membership' | 'sequence'> = {},
): TopicChange {
  return { version, event, argument, ...besides }
}

/** For the members who may see it: a message, at the version that created it. */
export const messageCreated = (version: number, message: Message): TopicChange =>
  told(version, 'MessageCreated', message, { sequence: message.sequence })

/** For the members who may see it, at the version of an edit, a deletion or reactions. */
export const messageUpdated = (version: number, message: Message): TopicChange =>
  told(version, 'MessageUpdated', message, { sequence: message.sequence })

/** For the members. It may stand for all that has changed after an earlier version, also for the one who `left` with it. */
export const conversationUpdated = (
  conversation: Conversation,
  besides: Pick<TopicChange, 'afterVersion' | 'left'> = {},
): TopicChange => told(conversation.version, 'ConversationUpdated', conversation, besides)

/** For the members. */
export const memberJoined = (conversationId: string, version: number, member: Member): TopicChange =>
  told(version, 'MemberJoined', { conversationId, version, member })

/** For the members. */
export const memberChanged = (conversationId: string, version: number, member: Member): TopicChange =>
  told(version, 'MemberChanged', { conversationId, version, member })

/** For the members, and the last change for the one who left. */
export const memberLeft = (conversationId: string, version: number, member: Member): TopicChange =>
  told(version, 'MemberLeft', { conversationId, version, member }, { left: member.userId })

/** For the one who joined, at their `membershipVersion`; the conversation is with `me`. */
export const conversationAdded = (
  membershipVersion: number,
  conversation: Conversation,
  span: Pick<MembershipSpan, 'joinedVersion' | 'visibleFromSequence'>,
): TopicChange =>
  told(membershipVersion, 'ConversationAdded', conversation, {
    membership: { conversationId: conversation.id, ...span, leftVersion: null },
  })

/** For the member whose own part has changed, at their `membershipVersion`; the conversation is with `me`. */
export const ownPartChanged = (membershipVersion: number, conversation: Conversation): TopicChange =>
  told(membershipVersion, 'ConversationUpdated', { ...conversation, lastMessage: null })

/** For the one who left, at their `membershipVersion`. */
export const conversationRemoved = (
  membershipVersion: number,
  conversationId: string,
  span: Omit<MembershipSpan, 'conversationId'>,
): TopicChange =>
  told(membershipVersion, 'ConversationRemoved', { conversationId }, { membership: { conversationId, ...span } })
