import type { ConversationEvent, ConversationState } from './chat-state.ts'
import { movedTo, withTold } from './conversation-state.ts'
import { withNumber } from './ranges.ts'
import { withoutTypist } from './typing.ts'

/** A conversation after one of its events. */
export function afterEvent(
  known: ConversationState,
  event: ConversationEvent,
  userId: string | undefined,
): ConversationState {
  switch (event.name) {
    case 'MessageCreated': {
      const typing = withoutTypist(known.typing, event.payload.senderId)
      return heardOf(withTold({ ...known, typing }, { messages: [event.payload] }, userId), event.payload.version)
    }
    case 'MessageUpdated':
      return heardOf(withTold(known, { messages: [event.payload] }, userId), event.payload.version)
    case 'MemberJoined':
    case 'MemberLeft':
    case 'MemberChanged': {
      const { member, version } = event.payload
      const counted = withMemberStep(known, memberStep[event.name], version)
      return heardOf(withTold(counted, { members: [member], membersVersion: version }, userId), version)
    }
    case 'ConversationUpdated': {
      const told = withTold(known, { conversation: event.payload }, userId)
      const { version, me } = event.payload
      // Told personally, it is not the change of its version.
      return me === undefined ? heardOf(told, version) : { ...told, heard: Math.max(told.heard, version) }
    }
    case 'ReceiptsUpdated':
      return withTold(known, { receipts: event.payload.receipts }, userId)
  }
}

const memberStep = { MemberJoined: 1, MemberLeft: -1, MemberChanged: 0 } as const

function withMemberStep(known: ConversationState, step: number, version: number): ConversationState {
  const { basis } = known
  if (step === 0 || version <= basis.told.version) return known
  return { ...known, basis: { ...basis, memberSteps: new Map(basis.memberSteps).set(version, step) } }
}

/** The change of this version is in: the cursor moves to it only when it is the next. */
function heardOf(known: ConversationState, version: number): ConversationState {
  if (version <= known.version) return known
  const { basis } = known
  const heard = { ...known, heard: Math.max(known.heard, version) }
  return movedTo({ ...heard, basis: { ...basis, ahead: withNumber(basis.ahead, version) } }, known.version)
}
