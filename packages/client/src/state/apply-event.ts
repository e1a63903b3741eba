import type { Conversation, HubEvent, Message } from '@parley/protocol'
import {
  emptyState,
  type ChatEvent,
  type ChatState,
  type ConversationEvent,
  type ConversationState,
} from './chat-state.ts'
import { afterEvent } from './conversation-event.ts'
import { newConversation, withTold } from './conversation-state.ts'
import { withEarly, withoutEarly } from './early.ts'
import { withPresence } from './presence.ts'
import { afterTyping } from './typing.ts'

/** The state after an event of the hub; doubled and late ones do no harm. */
export function applyEvent(state: ChatState, event: ChatEvent): ChatState {
  switch (event.name) {
    case 'Welcome':
      return welcomed(state, event.payload.userId)
    case 'SyncRequired':
    case 'SessionEnding':
    case 'MediaReady':
    case 'MediaRejected':
      return state
    case 'ConversationAdded':
      return withConversation(state, event.payload)
    case 'ConversationRemoved':
      return withoutConversation(state, event.payload.conversationId)
    case 'Typing':
      return withTyping(state, event.payload)
    case 'PresenceChanged':
      return withPresence(state, event.payload)
    case 'MessageCreated':
    case 'MessageUpdated':
    case 'ConversationUpdated':
    case 'MemberJoined':
    case 'MemberLeft':
    case 'MemberChanged':
    case 'ReceiptsUpdated':
      return withConversationEvent(state, event)
  }
}

/** What was told early on another connection is in the answers to come. Another user starts anew. */
function welcomed(state: ChatState, userId: string): ChatState {
  const kept = state.userId === undefined || state.userId === userId ? state : emptyState
  return { ...kept, userId, early: new Map(), goneAt: new Map() }
}

/** With a conversation that is the user's; as told personally, with `me`. */
export function withConversation(state: ChatState, conversation: Conversation): ChatState {
  const known = state.conversations.get(conversation.id)
  if (known !== undefined) {
    const told = withTold(known, { conversation }, state.userId)
    return withKnown(state, { ...told, heard: Math.max(told.heard, conversation.version) })
  }
  const moment = state.moment + 1
  const added = newConversation(conversation, { version: conversation.version, origin: conversation.version, moment })
  const told = withTold(added, { conversation }, state.userId)
  return withoutEarly({ ...withKnown(state, told), moment }, conversation.id, conversation.version)
}

/** When it goes, nothing of it stays. */
export function withoutConversation(state: ChatState, conversationId: string): ChatState {
  const moment = state.moment + 1
  const [conversations, early] = [new Map(state.conversations), new Map(state.early)]
  conversations.delete(conversationId)
  early.delete(conversationId)
  return { ...state, conversations, early, moment, goneAt: new Map([...state.goneAt, [conversationId, moment]]) }
}

export function withKnown(state: ChatState, known: ConversationState): ChatState {
  return { ...state, conversations: new Map(state.conversations).set(known.conversation.id, known) }
}

/** With a message as a request was answered. Its change is told to all besides: the cursor waits for that. */
export function withMessage(state: ChatState, message: Message): ChatState {
  const known = state.conversations.get(message.conversationId)
  return known === undefined ? state : withKnown(state, withTold(known, { messages: [message] }, state.userId))
}

function withConversationEvent(state: ChatState, event: ConversationEvent): ChatState {
  const id = event.name === 'ConversationUpdated' ? event.payload.id : event.payload.conversationId
  const known = state.conversations.get(id)
  if (known === undefined) return { ...state, early: withEarly(state.early, id, event) }
  return withKnown(state, afterEvent(known, event, state.userId))
}

/** Who types is told again soon: of a conversation that is not known yet it is not kept. */
function withTyping(state: ChatState, told: HubEvent<'Typing'>): ChatState {
  const known = state.conversations.get(told.conversationId)
  return known === undefined ? state : withKnown(state, { ...known, typing: afterTyping(known.typing, told) })
}
