import type { PresenceState } from '@parley/protocol'
import type { ChatState } from './chat-state.ts'

export function withPresence(state: ChatState, told: readonly PresenceState[]): ChatState {
  if (told.length === 0) return state
  return { ...state, presence: new Map([...state.presence, ...told.map((one) => [one.userId, one] as const)]) }
}

export function withoutPresence(state: ChatState, userIds: Iterable<string>): ChatState {
  const presence = new Map(state.presence)
  for (const userId of userIds) presence.delete(userId)
  return presence.size === state.presence.size ? state : { ...state, presence }
}
