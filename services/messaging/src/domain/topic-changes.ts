import type { TopicChange } from '@parley/contracts'
import type { Conversation, HubEvent, HubEventName, Member, Message } from '@parley/protocol'

/** One change of a topic, the event's argument checked against what the hub declares. */
function told<Name extends HubEventName>(
  version: number,
  event: Name,
  argument: HubEvent<Name>,
  besides: Pick<TopicChange, 'left' | 'membership'> = {},
): TopicChange {
  return { version, event, argument, ...besides }
}

/** For the members: a message, at the version that created it. */
export const messageCreated = (version: number, message: Message): TopicChange =>
  told(version, 'MessageCreated', message)

/** For the members. */
export const memberJoined = (conversationId: string, version: number, member: Member): TopicChange =>
  told(version, 'MemberJoined', { conversationId, version, member })

/** For the members, and the last change for the one who left. */
export const memberLeft = (conversationId: string, version: number, member: Member): TopicChange =>
  told(version, 'MemberLeft', { conversationId, version, member }, { left: member.userId })

/** For the one who joined, at their `membershipVersion`; the conversation is with `me`. */
export const conversationAdded = (
  membershipVersion: number,
  conversation: Conversation,
  joinedVersion: number,
): TopicChange =>
  told(membershipVersion, 'ConversationAdded', conversation, {
    membership: { conversationId: conversation.id, joinedVersion, leftVersion: null },
  })

/** For the one who left, at their `membershipVersion`. */
export const conversationRemoved = (
  membershipVersion: number,
  conversationId: string,
  span: { joinedVersion: number; leftVersion: number },
): TopicChange =>
  told(membershipVersion, 'ConversationRemoved', { conversationId }, { membership: { conversationId, ...span } })
