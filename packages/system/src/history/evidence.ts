import type { Conversation, Member, Message } from '@parley/protocol'
import type { Recording } from './recording.ts'

/** All that the invariants are judged by. */
export interface Evidence {
  readonly recording: Recording
  /** The final history of each conversation, as read through the API from sequence 1 on. */
  readonly histories: ReadonlyMap<string, readonly Message[]>
  readonly database: DatabaseRows
  /** What the API answers at the end about each conversation that a device shows. */
  readonly views: readonly View[]
}

/** A conversation as the user of a device reads it anew. */
export interface View {
  readonly sessionId: string
  readonly conversation: Conversation
  readonly members: readonly Member[]
  readonly messages: readonly Message[]
}

/** What the tables of `messaging` say at the end. */
export interface DatabaseRows {
  readonly conversations: readonly { readonly id: string; readonly lastSequence: number; readonly version: number }[]
  readonly messages: readonly MessageRow[]
  readonly members: readonly MemberRow[]
}

export interface MessageRow {
  readonly id: string
  readonly conversationId: string
  readonly sequence: number
  readonly version: number
  readonly senderId: string
  readonly text: string
  readonly isDeleted: boolean
}

export interface MemberRow {
  readonly conversationId: string
  readonly userId: string
  /** Where receipts began. */
  readonly joinedSequence: number
  readonly deliveredSequence: number
  readonly readSequence: number
}

/** What breaks an invariant, a sentence each; none when it holds. */
export type Violations = string[]

export type Invariant = (evidence: Evidence) => Violations
