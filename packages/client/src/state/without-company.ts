import { emptyState, type ChatState } from './chat-state.ts'
import { nobodyTypes } from './typing.ts'

/** Of what an earlier chat has kept, not how others were there and typed: that is over. */
export function withoutCompany(state: ChatState): ChatState {
  const conversations = new Map([...state.conversations].map(([id, known]) => [id, { ...known, typing: nobodyTypes }]))
  return { ...state, conversations, presence: emptyState.presence }
}
