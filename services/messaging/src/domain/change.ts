import type { Conversation, Member, Message } from '@parley/protocol'

/** What a transaction has changed: all that is told of it, to other services and to gateways, is made from this. */
export type Change =
  | { readonly kind: 'message-created'; readonly version: number; readonly message: Message }
  | {
      readonly kind: 'conversation-created' | 'members-joined'
      /** After the change, without `me`. Those who joined see what is said from then on: there is no last message. */
      readonly conversation: Conversation
      readonly joined: readonly Joining[]
    }
  | { readonly kind: 'member-left'; readonly conversationId: string; readonly left: Leaving }

/** The same as the outbox keeps it, to be told again after a crash. Of messages it keeps no second copy. */
export type KeptChange =
  | Exclude<Change, { kind: 'message-created' }>
  | { readonly kind: 'messages-created'; readonly ids: readonly string[] }

/** The beginning of a membership. */
export interface Joining {
  /** The conversation's, and the first that is theirs. */
  readonly version: number
  readonly membershipVersion: number
  readonly member: Member
}

/** The end of a membership. */
export interface Leaving {
  /** The conversation's, and the last that is theirs. */
  readonly version: number
  readonly joinedVersion: number
  readonly membershipVersion: number
  readonly member: Member
}
