import { z } from 'zod'
import { ConversationId, Counter, Time, UserId } from './ids.ts'
import { Conversation, Member, Message, PresenceState, Receipt, RejectedReason, Upload } from './objects.ts'

/** What the hub tells its clients, by target name. Changes of a conversation carry its `version`. */
export const hubEvents = {
  /** The connection is ready: from here on, every change of the user's conversations arrives. */
  Welcome: z.object({ connectionId: z.string(), userId: UserId, serverTime: Time }),
  MessageCreated: Message,
  /** An edit, a deletion, a reaction: the message as it is now. */
  MessageUpdated: Message,
  ConversationAdded: Conversation,
  /**
   * Without the last message and without `me`, which are not the same for all. With `me` it is for the user's own devices: their
   * role or mute has changed, and `version` is where the conversation was then.
   */
  ConversationUpdated: Conversation,
  ConversationRemoved: z.object({ conversationId: ConversationId }),
  MemberJoined: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
  MemberLeft: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
  MemberChanged: z.object({ conversationId: ConversationId, version: Counter, member: Member }),
  /** Watermarks that have risen. The caller's own come too, from their other devices. */
  ReceiptsUpdated: z.object({ conversationId: ConversationId, receipts: z.array(Receipt) }),
  /**
   * Somebody is typing, until `expiresAt` at the latest, or has stopped. While more than a few are typing, nobody is named: then
   * `userId` is null and `count` says how many, none if not `active`.
   */
  Typing: z.object({
    conversationId: ConversationId,
    userId: UserId.nullable(),
    active: z.boolean(),
    /** How many are typing, the caller aside. */
    count: Counter,
    expiresAt: Time,
  }),
  /** Users watched by this connection, as they are seen now: at most once a second, the newest of each. */
  PresenceChanged: z.array(PresenceState),
  /** An own upload has been checked: it can be used now. On all devices; who may have missed it asks `GetUpload`. */
  MediaReady: Upload,
  /** The same for one that can never be used. */
  MediaRejected: z.object({ upload: Upload, reason: RejectedReason }),
  /**
   * The connection will be closed for good at this time: at once, or with `token_expiring` in about a minute, unless the client
   * renews its token by `RenewToken`.
   */
  SessionEnding: z.object({ reason: z.enum(['token_expiring', 'revoked', 'too_many_connections']), at: Time }),
  /** What these conversations missed is too much to be told live, or can not be told: `Sync` has it. */
  SyncRequired: z.object({ reason: z.string(), conversationIds: z.array(ConversationId) }),
}

export type HubEventName = keyof typeof hubEvents
export type HubEvent<Name extends HubEventName> = z.infer<(typeof hubEvents)[Name]>
