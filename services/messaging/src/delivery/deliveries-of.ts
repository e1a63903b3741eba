import { conversationTopic, userTopic, type Delivery, type TopicChange } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import type { Change, Joining } from '../domain/change.ts'
import { withOwnPart } from '../domain/own-part.ts'
import {
  conversationAdded,
  conversationRemoved,
  memberJoined,
  memberLeft,
  messageCreated,
} from '../domain/topic-changes.ts'

/** What clients are told of a change: the conversation's members, and each user whose membership began or ended. */
export function deliveriesOf(change: Change): Delivery[] {
  switch (change.kind) {
    case 'message-created': {
      const { version, message } = change
      return [deliver(conversationTopic(message.conversationId), messageCreated(version, message))]
    }
    // Version 1 has no members that could be told of it but those it is told to personally.
    case 'conversation-created':
      return change.joined.map((joining) => personally(change.conversation, joining))
    case 'members-joined': {
      const { conversation, joined } = change
      const topic = conversationTopic(conversation.id)
      return [
        ...joined.map(({ version, member }) => deliver(topic, memberJoined(conversation.id, version, member))),
        ...joined.map((joining) => personally(conversation, joining)),
      ]
    }
    case 'member-left': {
      const { conversationId, left } = change
      const { version, joinedVersion, membershipVersion, member } = left
      const span = { joinedVersion, leftVersion: version }
      return [
        deliver(conversationTopic(conversationId), memberLeft(conversationId, version, member)),
        deliver(userTopic(member.userId), conversationRemoved(membershipVersion, conversationId, span)),
      ]
    }
  }
}

function personally(conversation: Conversation, { version, membershipVersion, member }: Joining): Delivery {
  const own = withOwnPart(conversation, { ...member, joinedSequence: conversation.lastSequence })
  return deliver(userTopic(member.userId), conversationAdded(membershipVersion, own, version))
}

const encoder = new TextEncoder()

function deliver(topic: string, change: TopicChange): Delivery {
  return { ...change, topic, argument: encoder.encode(JSON.stringify(change.argument)) }
}
