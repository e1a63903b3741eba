import type { HubEvent } from '@parley/protocol'
import type { ChatState, ConversationState } from './chat-state.ts'

/** The others who are typing in a conversation. */
export interface Typing {
  /** By user, until when at the latest. Nobody while they are too many to be named. */
  readonly users: ReadonlyMap<string, string>
  /** How many they are, while they are too many to be named. */
  readonly crowd: { readonly count: number; readonly expiresAt: string } | null
}

/** Nobody is said to type for so long: a clock has been set back. */
const FARTHEST_MS = 30_000

export const nobodyTypes: Typing = { users: new Map(), crowd: null }

export const isAnybodyTyping = ({ typing: { users, crowd } }: ConversationState): boolean =>
  users.size > 0 || crowd !== null

export function afterTyping(typing: Typing, { userId, active, count, expiresAt }: HubEvent<'Typing'>): Typing {
  if (userId === null) return active ? { users: new Map(), crowd: { count, expiresAt } } : nobodyTypes
  if (!active) return withoutTypist(typing, userId)
  return { users: new Map(typing.users).set(userId, expiresAt), crowd: null }
}

/** They have stopped, or said what they were typing. */
export function withoutTypist(typing: Typing, userId: string): Typing {
  if (!typing.users.has(userId)) return typing
  const users = new Map(typing.users)
  users.delete(userId)
  return { ...typing, users }
}

/** Nobody who should have said by now that they still type. Of the same state if that was nobody. */
export function withoutExpiredTyping(state: ChatState, now: number): { state: ChatState; ended: readonly string[] } {
  const ended: string[] = []
  let conversations: Map<string, ConversationState> | undefined
  for (const [id, known] of state.conversations) {
    const typing = unexpired(known.typing, now)
    if (typing === known.typing) continue
    conversations ??= new Map(state.conversations)
    conversations.set(id, { ...known, typing })
    ended.push(id)
  }
  return { state: conversations === undefined ? state : { ...state, conversations }, ended }
}

function unexpired(typing: Typing, now: number): Typing {
  const isOver = (expiresAt: string) => {
    const lastsMs = Date.parse(expiresAt) - now
    return lastsMs <= 0 || lastsMs > FARTHEST_MS
  }
  const { users, crowd } = typing
  const isCrowdOver = crowd !== null && isOver(crowd.expiresAt)
  const remaining = [...users].filter(([, expiresAt]) => !isOver(expiresAt))
  if (!isCrowdOver && remaining.length === users.size) return typing
  return { users: new Map(remaining), crowd: isCrowdOver ? null : crowd }
}
