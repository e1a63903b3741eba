import type { Conversation, Member, Message, Receipt } from '@parley/protocol'

/** What a transaction has changed: all that is told of it, to other services and to gateways, is made from this. */
export type Change =
  | { readonly kind: 'message-created' | 'message-updated'; readonly version: number; readonly message: Message }
  | {
      readonly kind: 'conversation-created' | 'members-joined'
      /** After the change, without `me` and without a last message. */
      readonly conversation: Conversation
      readonly joined: readonly Joining[]
    }
  /** `conversation` is as after the change, like above. */
  | { readonly kind: 'member-left'; readonly conversation: Conversation; readonly left: Leaving }
  | {
      readonly kind: 'member-changed'
      readonly conversation: Conversation
      readonly member: Member
      /** Absent in what was stored before it was. */
      readonly changedBy?: string
    }
  | { readonly kind: 'conversation-updated'; readonly conversation: Conversation }
  /** Of one member, for their own devices: role or mute. `conversation` is with `me`, and without a last message. */
  | {
      readonly kind: 'own-part-changed'
      readonly userId: string
      readonly membershipVersion: number
      readonly conversation: Conversation
    }
  /** Files that were part of a message which is gone. For other services only. */
  | {
      readonly kind: 'attachments-removed'
      readonly conversationId: string
      readonly messageId: string
      readonly uploadIds: readonly string[]
    }
  | ({ readonly kind: 'receipts-advanced' } & Advance)

/** The same as the outbox keeps it, to be told again after a crash. Of messages it keeps no second copy. */
export type KeptChange =
  | Exclude<Change, { kind: 'message-created' | 'message-updated' }>
  | { readonly kind: 'messages-created'; readonly ids: readonly string[] }
  | { readonly kind: 'message-updated'; readonly version: number; readonly id: string }

/** The beginning of a membership. */
export interface Joining {
  /** The conversation's, and the first that is theirs. */
  readonly version: number
  readonly membershipVersion: number
  readonly visibleFromSequence: number
  /** As they know it themselves. */
  readonly readSequence: number
  readonly member: Member
}

/** The end of a membership. */
export interface Leaving {
  /** The conversation's, and the last that is theirs. */
  readonly version: number
  readonly joinedVersion: number
  readonly membershipVersion: number
  readonly visibleFromSequence: number
  readonly member: Member
}

/** Watermarks of one conversation that marks have raised. */
export interface Advance {
  readonly conversationId: string
  /** How long gateways gather before they tell its members; null when its members are not told at all. */
  readonly gatherMs: number | null
  /** As others may know them. */
  readonly shown: readonly Receipt[]
  /** As the users themselves are told, on their other devices. */
  readonly own: readonly (Receipt & { readonly connectionId: string | null })[]
}
