import type { Conversation, HubEvent, HubEventName, Member, Message, PresenceState, Receipt } from '@parley/protocol'
import type { Ranges } from './ranges.ts'
import type { Typing } from './typing.ts'

/** All that a client knows. Plain data, never changed in place: what is kept from before stays as it was. */
export interface ChatState {
  /** Whose it is: unknown before the first `Welcome`. */
  readonly userId: string | undefined
  readonly conversations: ReadonlyMap<string, ConversationState>
  /** Up to when `Sync` has told everything. */
  readonly since: string | null
  /** How the watched users are, as last told. */
  readonly presence: ReadonlyMap<string, PresenceState>
  /** Told of conversations that are not known yet: an event may overtake the answer that brings its conversation. */
  readonly early: ReadonlyMap<string, EarlyEvents>
  /** Rises when a conversation comes, goes or is reloaded: answers to what was asked before are known by it. */
  readonly moment: number
  /** The moments at which conversations went. */
  readonly goneAt: ReadonlyMap<string, number>
}

export interface ConversationState {
  /** As it is now as far as is known, with `me`: its last message, its counts and marks follow what else is told. */
  readonly conversation: Conversation
  /** Ascending by sequence. Older ones are missing until they are loaded. */
  readonly messages: readonly Message[]
  /** Those that were told, also those who have left; each with the version of its last change. */
  readonly members: ReadonlyMap<string, KnownMember>
  /** How far each member has got, the user too. */
  readonly receipts: ReadonlyMap<string, Receipt>
  /** Who else is typing now. */
  readonly typing: Typing
  /** The cursor: every change up to this version is in here. */
  readonly version: number
  /** The highest version that was told. Above `version` while something in between is missing. */
  readonly heard: number
  readonly basis: Basis
}

export type KnownMember = Member & { readonly version: number }

/** What the rest is made from. */
export interface Basis {
  /** The conversation as last told, and so its version. */
  readonly told: Conversation
  /** The version at which `told.me` was told. */
  readonly meVersion: number
  /** Members that came (1) or went (-1) at versions above that of `told`. */
  readonly memberSteps: ReadonlyMap<number, number>
  /** Versions above the cursor, behind a gap, that are in here too. */
  readonly ahead: Ranges
  /** The moment at which it came or was last reloaded. */
  readonly moment: number
  /** The version with which it came or was last reloaded: an answer from before says nothing about it. */
  readonly origin: number
  /** Changes up to here came in one answer: what it left out of them was left out on purpose. 0 when none has come. */
  readonly wholeTo: number
  /** The first sequence in that answer: messages before it are missing until they are loaded. */
  readonly wholeFrom: number
  readonly counted: Counted
}

/** The unread messages as the server last counted them: those from above `floor` up to `lastSequence`. */
export interface Counted {
  readonly floor: number
  readonly lastSequence: number
  readonly mentionCount: number
}

export interface EarlyEvents {
  readonly events: readonly ConversationEvent[]
  readonly heard: number
}

/** An event of the hub, as it came. */
export type ChatEvent = {
  [Name in HubEventName]: { readonly name: Name; readonly payload: HubEvent<Name> }
}[HubEventName]

/** What the members of one conversation are told, to be kept. */
export type ConversationEvent = Exclude<
  ChatEvent,
  {
    name:
      | 'Welcome'
      | 'SyncRequired'
      | 'SessionEnding'
      | 'MediaReady'
      | 'MediaRejected'
      | 'ConversationAdded'
      | 'ConversationRemoved'
      | 'Typing'
      | 'PresenceChanged'
  }
>

export const emptyState: ChatState = {
  userId: undefined,
  conversations: new Map(),
  since: null,
  presence: new Map(),
  early: new Map(),
  moment: 0,
  goneAt: new Map(),
}

/** Whether changes are known to be missing. */
export const hasGap = ({ version, heard }: ConversationState): boolean => heard > version

/** Whether it came by an answer. One that was added live starts with what is told from then on; `Sync` has the rest. */
export const isWhole = ({ basis }: ConversationState): boolean => basis.wholeTo > 0
