import type { ConversationSync, InputOf, Message, OutputOf, Sync } from '@parley/protocol'
import { withKnown, withoutConversation } from './apply-event.ts'
import { isWhole, type ChatState, type ConversationState } from './chat-state.ts'
import { movedTo, newConversation, withTold } from './conversation-state.ts'
import { withoutEarly } from './early.ts'

export type SyncInput = InputOf<typeof Sync>
export type SyncAnswer = OutputOf<typeof Sync>

/** What was asked, and when: what has happened since, the answer may not know. */
export interface Asked extends Pick<SyncInput, 'conversations'> {
  readonly moment: number
}

/** What to ask about these conversations. Of one that is not whole, everything. */
export function questionOf(state: ChatState, conversationIds: Iterable<string>): Asked {
  const conversations = Array.from(conversationIds, (id) => state.conversations.get(id))
    .filter((known) => known !== undefined)
    .map((known) => ({ id: known.conversation.id, version: isWhole(known) ? known.version : 0 }))
  return { conversations, moment: state.moment }
}

/** The state after an answer of `Sync`; doubled and late ones do no harm. */
export function applySync(
  state: ChatState,
  asked: Asked,
  answer: Pick<SyncAnswer, 'conversations' | 'removed'>,
): ChatState {
  const named = new Map(asked.conversations.map(({ id, version }) => [id, version]))
  let next = state
  for (const conversationId of answer.removed) {
    const known = next.conversations.get(conversationId)
    if (known !== undefined && known.basis.moment <= asked.moment) next = withoutConversation(next, conversationId)
  }
  for (const told of answer.conversations) next = withSynced(next, asked.moment, named.get(told.conversation.id), told)
  return next
}

function withSynced(
  state: ChatState,
  askedAt: number,
  namedVersion: number | undefined,
  told: ConversationSync,
): ChatState {
  const { id } = told.conversation
  const known = state.conversations.get(id)
  if (known === undefined) {
    const isGone = namedVersion !== undefined || (state.goneAt.get(id) ?? 0) > askedAt
    return isGone ? state : withWhole(state, undefined, told)
  }
  // Read from an older copy of the database, which has forgotten what this knows.
  const isReset = told.reload && told.to < (namedVersion ?? 0) && known.version >= (namedVersion ?? 0)
  if (isReset) return withWhole(state, undefined, told)
  if (told.to < known.basis.origin) return state
  if (told.reload || namedVersion === undefined) {
    return told.to > known.version || !isWhole(known)
      ? withWhole(state, known, told)
      : withKnown(state, withState(known, told, state.userId))
  }
  const changed = withAnswer(known, told, state.userId)
  return withKnown(state, known.version < namedVersion ? changed : movedTo(changed, told.to))
}

/** All that there is up to a version: of what was kept, only what is newer stays, if nothing is missing behind it. Marks only rise: they all stay. */
function withWhole(state: ChatState, known: ConversationState | undefined, told: ConversationSync): ChatState {
  const { conversation, to } = told
  const moment = state.moment + 1
  const wholeFrom = told.messages.reduce(
    (first, { sequence }) => Math.min(first, sequence),
    conversation.lastSequence + 1,
  )
  const start = known ?? newConversation(conversation, { version: 0, origin: to, moment })
  const newer: ConversationState = {
    ...start,
    messages: start.messages.filter(({ version, sequence }) => version > to && sequence >= wholeFrom),
    members: new Map([...start.members].filter(([, { version }]) => version > to)),
    basis: { ...start.basis, origin: to, moment, wholeTo: 0, wholeFrom },
  }
  const whole = movedTo(withAnswer(newer, told, state.userId), to)
  const next = withKnown({ ...state, moment }, { ...whole, basis: { ...whole.basis, wholeTo: to } })
  return withoutEarly(next, conversation.id, to)
}

function withAnswer(
  known: ConversationState,
  { conversation, messages, members, receipts, to }: ConversationSync,
  userId: string | undefined,
): ConversationState {
  const told = withTold(known, { conversation, messages, members, membersVersion: to, receipts }, userId)
  return { ...told, heard: Math.max(told.heard, conversation.version) }
}

/** The conversation itself and the marks: of an answer whose changes are known already. */
function withState(known: ConversationState, told: ConversationSync, userId: string | undefined): ConversationState {
  const { conversation, receipts } = told
  return withTold(known, { conversation, receipts }, userId)
}

/** With messages that were read at a moment: none of a conversation that came or was reloaded since. */
export function withHistory(
  state: ChatState,
  conversationId: string,
  read: { readonly messages: readonly Message[]; readonly moment: number },
): ChatState {
  const known = state.conversations.get(conversationId)
  if (known === undefined || known.basis.moment > read.moment) return state
  const open = { ...known, basis: { ...known.basis, wholeTo: 0, wholeFrom: 0 } }
  const told = withTold(open, { messages: read.messages }, state.userId)
  return withKnown(state, {
    ...told,
    basis: { ...told.basis, wholeTo: known.basis.wholeTo, wholeFrom: known.basis.wholeFrom },
  })
}
