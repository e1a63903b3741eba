import type { Conversation, Member, Message } from '@parley/protocol'

/**
 * What clients did and what they were told: facts, without judgement. All times are milliseconds of one monotonic clock, so
 * that what one client saw can be compared with what another did. A time of null has not come.
 */
export interface Recording {
  readonly sends: readonly SendAttempt[]
  readonly changes: readonly ChangeAttempt[]
  readonly reactions: readonly ReactionAttempt[]
  readonly titles: readonly TitleAttempt[]
  readonly marks: readonly MarkAttempt[]
  readonly memberships: readonly Membership[]
  readonly sessions: readonly Session[]
  /** When something was broken on purpose. */
  readonly faults: readonly Fault[]
}

/** How an attempt ended. `unknown`, which is also one that never ended: it may have been done, once. */
export type Outcome<Answer> =
  | { readonly kind: 'ok'; readonly answer: Answer }
  /** Definite: it was not done. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown' }

export interface Attempt<Answer> {
  readonly sessionId: string
  readonly invokedAt: number
  readonly endedAt: number | null
  readonly outcome: Outcome<Answer>
}

/** What an acknowledgement promises. */
export interface Acknowledged {
  readonly id: string
  readonly sequence: number
  readonly createdAt: string
  readonly duplicate: boolean
}

/** One invocation of `SendMessage`. A client that tries again makes several with the same id. In the order of invocation. */
export interface SendAttempt extends Attempt<Acknowledged> {
  readonly userId: string
  readonly conversationId: string
  readonly messageId: string
  readonly text: string
}

/** An edit, or a deletion, whose text is null. */
export interface ChangeAttempt extends Attempt<null> {
  readonly conversationId: string
  readonly messageId: string
  readonly text: string | null
}

/** A reaction that a user gave, or took back. */
export interface ReactionAttempt extends Attempt<null> {
  readonly userId: string
  readonly conversationId: string
  readonly messageId: string
  readonly emoji: string
  readonly isThere: boolean
}

/** A conversation got another title. */
export interface TitleAttempt extends Attempt<null> {
  readonly conversationId: string
  readonly title: string
}

export type MarkKind = 'delivered' | 'read'

/** A receipt that a user's device gave. */
export interface MarkAttempt extends Attempt<null> {
  readonly userId: string
  readonly conversationId: string
  readonly kind: MarkKind
  readonly sequence: number
}

/**
 * That somebody was a member: for certain from the answer to joining until leaving was asked for, and certainly not before
 * joining was asked for or after the answer to leaving.
 */
export interface Membership {
  readonly userId: string
  readonly conversationId: string
  readonly askedAt: number
  readonly joinedAt: number | null
  readonly leavingAt: number | null
  readonly leftAt: number | null
}

/** One device: it may lose its connection and get another. */
export interface Session {
  readonly id: string
  readonly userId: string
  /** Whether it keeps up with receipts at all. */
  readonly followsReceipts: boolean
  readonly connections: readonly Connection[]
  /** What it was told of how far others had got, in the order of its coming. */
  readonly watermarks: readonly Watermark[]
  /** What it shows at the end, of each conversation it has. */
  readonly shown: readonly Shown[]
}

/** From `Welcome`, when changes begin to arrive, until it was lost or closed. */
export interface Connection {
  readonly connectedAt: number
  readonly disconnectedAt: number | null
  /** What arrived live, in the order of its coming. */
  readonly heard: readonly Heard[]
  /** When it was told to ask for what it missed, instead of being told; of these conversations, or of all. */
  readonly excuses: readonly { readonly at: number; readonly conversationIds: readonly string[] }[]
}

export interface Heard {
  readonly at: number
  readonly event: 'MessageCreated' | 'MessageUpdated'
  readonly message: Message
}

export interface Watermark {
  readonly at: number
  readonly conversationId: string
  readonly userId: string
  readonly kind: MarkKind
  readonly sequence: number
}

/** What a client that follows the rules has of a conversation, by events and by catching up. */
export interface Shown {
  readonly conversationId: string
  /** The first sequence that it should have: later than 1 if it joined later, or was told to begin anew. */
  readonly fromSequence: number
  readonly messages: readonly Message[]
  /** As the client has them; left out by one that keeps messages only. */
  readonly conversation?: Conversation
  readonly members?: readonly Member[]
}

/** Something that was broken on purpose, and when everything was there again. */
export interface Fault {
  readonly name: string
  readonly beganAt: number
  readonly healedAt: number | null
}
