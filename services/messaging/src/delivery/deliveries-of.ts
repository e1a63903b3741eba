import { conversationTopic, userTopic, type Delivery, type TopicChange } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import type { Change, Joining } from '../domain/change.ts'
import { withOwnPart } from '../domain/own-part.ts'
import { tellsMemberships } from '../domain/capabilities.ts'
import {
  conversationAdded,
  conversationRemoved,
  conversationUpdated,
  memberChanged,
  memberJoined,
  memberLeft,
  messageCreated,
  messageUpdated,
  ownPartChanged,
} from '../domain/topic-changes.ts'

/** What clients are told of a change: the conversation's members, and each user whose membership began or ended. */
export function deliveriesOf(change: Change): Delivery[] {
  switch (change.kind) {
    case 'message-created': {
      const { version, message } = change
      return [deliver(conversationTopic(message.conversationId), messageCreated(version, message))]
    }
    case 'message-updated': {
      const { version, message } = change
      // Told late, it is as a later change has left it, which is told at its own version: else clients hear that state twice.
      if (message.version > version) return []
      return [deliver(conversationTopic(message.conversationId), messageUpdated(version, message))]
    }
    // Version 1 has no members that could be told of it but those it is told to personally.
    case 'conversation-created':
      return change.joined.map((joining) => personally(change.conversation, joining))
    case 'conversation-updated':
      return [deliver(conversationTopic(change.conversation.id), conversationUpdated(change.conversation))]
    case 'own-part-changed':
      return [deliver(userTopic(change.userId), ownPartChanged(change.membershipVersion, change.conversation))]
    case 'members-joined':
      return [...joiningsTold(change), ...change.joined.map((joining) => personally(change.conversation, joining))]
    case 'member-changed': {
      const { conversation, member } = change
      const { id, version } = conversation
      const told = tellsMemberships(conversation)
        ? memberChanged(id, version, member)
        : conversationUpdated(conversation)
      return [deliver(conversationTopic(id), told)]
    }
    case 'member-left': {
      const { conversation, left } = change
      const { version, joinedVersion, visibleFromSequence, membershipVersion, member } = left
      const span = { joinedVersion, leftVersion: version, visibleFromSequence }
      const told = tellsMemberships(conversation)
        ? memberLeft(conversation.id, version, member)
        : conversationUpdated(conversation, { left: member.userId })
      return [
        deliver(conversationTopic(conversation.id), told),
        deliver(userTopic(member.userId), conversationRemoved(membershipVersion, conversation.id, span)),
      ]
    }
    case 'attachments-removed':
    case 'receipts-advanced':
      return []
  }
}

/** In a large conversation one change stands for all who joined. */
function joiningsTold({ conversation, joined }: Extract<Change, { joined: unknown }>): Delivery[] {
  const topic = conversationTopic(conversation.id)
  if (tellsMemberships(conversation)) {
    return joined.map(({ version, member }) => deliver(topic, memberJoined(conversation.id, version, member)))
  }
  return [deliver(topic, conversationUpdated(conversation, { afterVersion: conversation.version - joined.length }))]
}

function personally(conversation: Conversation, joining: Joining): Delivery {
  const { version, membershipVersion, visibleFromSequence, readSequence, member } = joining
  const joinedSequence = conversation.lastSequence
  const own = withOwnPart(conversation, { ...newcomer, ...member, readSequence, joinedSequence })
  const span = { joinedVersion: version, visibleFromSequence }
  return deliver(userTopic(member.userId), conversationAdded(membershipVersion, own, span))
}

const newcomer = { mutedUntil: null, mentionCount: 0, firstKeptSequence: 1 }

const encoder = new TextEncoder()

function deliver(topic: string, change: TopicChange): Delivery {
  return { ...change, topic, argument: encoder.encode(JSON.stringify(change.argument)) }
}
