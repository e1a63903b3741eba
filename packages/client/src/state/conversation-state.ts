import type { Conversation, Member, Message, Receipt } from '@parley/protocol'
import type { Basis, ConversationState, KnownMember } from './chat-state.ts'
import { indexFrom, withMessages } from './messages.ts'
import { passed } from './ranges.ts'
import { ownReceipts, withReceipts } from './receipts.ts'
import { nobodyTypes } from './typing.ts'
import { countedAfter, nothingCounted, unreadCounts } from './unread.ts'

/** A conversation of which nothing is known but itself, with its last message. */
export function newConversation(
  conversation: Conversation,
  { version, origin, moment }: { version: number } & Pick<Basis, 'origin' | 'moment'>,
): ConversationState {
  return {
    conversation,
    messages: [],
    members: new Map(),
    receipts: new Map(),
    typing: nobodyTypes,
    version,
    heard: conversation.version,
    basis: {
      told: conversation,
      meVersion: conversation.version,
      memberSteps: new Map(),
      ahead: [],
      moment,
      origin,
      wholeTo: 0,
      wholeFrom: 0,
      counted: nothingCounted,
    },
  }
}

/** What is told of a conversation at once. */
export interface Told {
  readonly conversation?: Conversation
  readonly messages?: readonly Message[]
  readonly members?: readonly Member[]
  /** The version at which the members were read. */
  readonly membersVersion?: number
  readonly receipts?: readonly Receipt[]
}

/** Applies what is newer than what is known. Moves no cursor. */
export function withTold(known: ConversationState, told: Told, userId: string | undefined): ConversationState {
  const { conversation, messages = [], members = [], membersVersion = 0, receipts = [] } = told
  const basis = conversation === undefined ? known.basis : basisAfter(known.basis, conversation)
  const lastMessage = conversation?.lastMessage ?? null
  const allMessages = lastMessage === null ? messages : [...messages, lastMessage]
  return settled(
    {
      ...known,
      basis,
      messages: keptOf(withMessages(known.messages, allMessages, known.basis), basis.told),
      members: withMembers(known, members, membersVersion),
      receipts: withReceipts(known.receipts, [
        ...receipts,
        ...members,
        ...ownReceipts(allMessages, userId),
        ...(conversation?.me === undefined || userId === undefined ? [] : [{ userId, ...conversation.me }]),
      ]),
    },
    userId,
  )
}

function basisAfter(basis: Basis, conversation: Conversation): Basis {
  const { me = basis.told.me, ...all } = conversation
  const isNewer = conversation.version > basis.told.version
  // What is the user's own changes without a version too: what comes later is taken for newer.
  const isOwnNewer = conversation.me !== undefined && conversation.version >= basis.meVersion
  const own = isOwnNewer ? me : basis.told.me
  return {
    ...basis,
    told: {
      ...(isNewer ? all : basis.told),
      // Rises only, and so is right whenever it was told.
      firstKeptSequence: Math.max(basis.told.firstKeptSequence, conversation.firstKeptSequence),
      ...(own === undefined ? {} : { me: own }),
    },
    meVersion: isOwnNewer ? conversation.version : basis.meVersion,
    counted: countedAfter(basis.counted, conversation),
    memberSteps: isNewer
      ? new Map([...basis.memberSteps].filter(([version]) => version > conversation.version))
      : basis.memberSteps,
  }
}

/** What has expired is forgotten. */
function keptOf(messages: readonly Message[], { firstKeptSequence }: Conversation): readonly Message[] {
  const expired = indexFrom(messages, firstKeptSequence)
  return expired === 0 ? messages : messages.slice(expired)
}

function withMembers(
  { members, basis }: ConversationState,
  told: readonly Member[],
  version: number,
): ReadonlyMap<string, KnownMember> {
  const newer = told.filter(({ userId }) => version > (members.get(userId)?.version ?? basis.wholeTo))
  if (newer.length === 0) return members
  return new Map([...members, ...newer.map((member) => [member.userId, { ...member, version }] as const)])
}

/** The cursor, moved to this version and on to the end of what is there without a gap. */
export function movedTo(known: ConversationState, version: number): ConversationState {
  const { reached, rest } = passed(Math.max(known.version, version), known.basis.ahead)
  return { ...known, version: reached, heard: Math.max(known.heard, reached), basis: { ...known.basis, ahead: rest } }
}

/** With the conversation as it follows from all that is known. */
export function settled(known: ConversationState, userId: string | undefined): ConversationState {
  const { basis, messages, receipts, members } = known
  const { told } = basis
  const lastMessage = messages.at(-1) ?? null
  const lastSequence = Math.max(told.lastSequence, lastMessage?.sequence ?? 0)
  let { memberCount } = told
  for (const step of basis.memberSteps.values()) memberCount += step
  const conversation = { ...told, lastMessage, lastSequence, memberCount }
  if (told.me === undefined || userId === undefined) return { ...known, conversation }
  const self = members.get(userId)
  const marks = receipts.get(userId)
  const me = {
    ...told.me,
    role: self !== undefined && self.version > basis.meVersion ? self.role : told.me.role,
    deliveredSequence: Math.max(told.me.deliveredSequence, marks?.deliveredSequence ?? 0),
    readSequence: Math.max(told.me.readSequence, marks?.readSequence ?? 0),
  }
  const { firstKeptSequence } = told
  const counts = unreadCounts({ me, lastSequence, firstKeptSequence }, { messages, counted: basis.counted, userId })
  return { ...known, conversation: { ...conversation, me: { ...me, ...counts } } }
}
