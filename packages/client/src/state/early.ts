import { limits } from '@parley/protocol'
import { afterEvent } from './conversation-event.ts'
import type { ChatState, ConversationEvent, EarlyEvents } from './chat-state.ts'

/** Beyond it they are only counted: the conversation then comes with a gap, which `Sync` fills. */
const EVENTS_PER_CONVERSATION = limits.changesPerSync

export const versionOf = (event: ConversationEvent): number =>
  event.name === 'ReceiptsUpdated' ? 0 : event.payload.version

export function withEarly(
  early: ChatState['early'],
  conversationId: string,
  event: ConversationEvent,
): ChatState['early'] {
  const { events, heard } = early.get(conversationId) ?? noEvents
  return new Map(early).set(conversationId, {
    events: events.length < EVENTS_PER_CONVERSATION ? [...events, event] : events,
    heard: Math.max(heard, versionOf(event)),
  })
}

const noEvents: EarlyEvents = { events: [], heard: 0 }

/** Applies what was told early of a conversation that has come, as far as it came without it: up to a version. */
export function withoutEarly(state: ChatState, conversationId: string, cameWith: number): ChatState {
  const told = state.early.get(conversationId)
  const come = state.conversations.get(conversationId)
  if (told === undefined || come === undefined) return state
  const early = new Map(state.early)
  early.delete(conversationId)
  let known = come
  for (const event of told.events) {
    if (event.name === 'ReceiptsUpdated' || versionOf(event) > cameWith) known = afterEvent(known, event, state.userId)
  }
  known = { ...known, heard: Math.max(known.heard, told.heard) }
  return { ...state, early, conversations: new Map(state.conversations).set(conversationId, known) }
}
