import { z } from 'zod'
import { ConversationId, Counter, MessageId, Time, UploadId, UserId } from './ids.ts'

/** The address of a picture: of an uploaded one the path at the gateway, to be resolved against where the gateway is. */
const AvatarUrl = z.string().nullable()

export const User = z
  .object({ id: UserId, displayName: z.string(), avatarUrl: AvatarUrl, createdAt: Time })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

/** A sign-in of a user: an app or a browser that stays signed in until it is signed out. */
export const Device = z
  .object({
    id: z.string(),
    /** As far as it could be told: the app and what it runs on. */
    name: z.string().nullable(),
    /** The OAuth client; for a token of an external issuer, the issuer. */
    client: z.string(),
    createdAt: Time,
    /** When it last got or renewed a token: exact to ten minutes. */
    lastUsedAt: Time,
    /** Whether the caller asks by it. */
    current: z.boolean(),
  })
  .meta({ id: 'Device' })
export type Device = z.infer<typeof Device>

/** Something that was done about who may do what: never changed, and kept longer than messages. */
export const AuditEntry = z
  .object({
    id: z.string(),
    at: Time,
    /** Such as `signed-in`. */
    action: z.string(),
    /** Who did it; null where nobody is known. */
    actorId: UserId.nullable(),
    /** Whom it was done to. */
    userId: UserId.nullable(),
    /** What else there is to know, by name. Never a secret. */
    details: z.record(z.string(), z.json()),
  })
  .meta({ id: 'AuditEntry' })
export type AuditEntry = z.infer<typeof AuditEntry>

export const Role = z.enum(['owner', 'admin', 'member']).meta({ id: 'Role' })
export type Role = z.infer<typeof Role>

export const Member = z
  .object({
    userId: UserId,
    role: Role,
    joinedAt: Time,
    leftAt: Time.nullable(),
    deliveredSequence: Counter,
    readSequence: Counter,
  })
  .meta({ id: 'Member' })
export type Member = z.infer<typeof Member>

/** What was found in a file. What does not apply to it, or is not known, is null. */
const findings = {
  /** Pixels, as it is shown. */
  width: z.int().nullable(),
  height: z.int().nullable(),
  /** What to show until the image is there (https://blurha.sh). Images that have one have thumbnails, too. */
  blurhash: z.string().nullable(),
  /** Of sound and films. */
  durationMs: z.int().nullable(),
  /** Of a PDF. */
  pages: z.int().nullable(),
}

export const Attachment = z
  .object({ id: UploadId, name: z.string(), type: z.string(), /** Bytes. */ size: z.int(), ...findings })
  .meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>
export type Findings = Pick<Attachment, keyof typeof findings>

/** Why a file was rejected for good. */
export const RejectedReason = z
  .enum([
    'not_the_declared_size',
    'not_the_declared_type',
    'replaced_while_checked',
    'not_readable',
    'too_many_pixels',
    /** Checking it took more time or memory than there is for one file. */
    'too_much_to_check',
    'infected',
    'too_large_to_scan',
  ])
  .meta({ id: 'RejectedReason' })
export type RejectedReason = z.infer<typeof RejectedReason>

/**
 * `pending`: reserved, and not complete yet. `checking`: complete, and not looked at yet. `ready`: it can be used. `rejected`: it
 * never will be. `deleted`: it is gone, with what it was a part of or because it was not used in time; its name is gone as well.
 */
export const UploadState = z.enum(['pending', 'checking', 'ready', 'rejected', 'deleted']).meta({ id: 'UploadState' })
export type UploadState = z.infer<typeof UploadState>

/** A file on its way to others. `size` and what was found are those of the file that others get, once it is ready. */
export const Upload = z
  .object({
    ...Attachment.shape,
    state: UploadState,
    rejectedReason: RejectedReason.nullable(),
    /** Where it can be sent; null for an avatar. */
    conversationId: ConversationId.nullable(),
    createdAt: Time,
  })
  .meta({ id: 'Upload' })
export type Upload = z.infer<typeof Upload>

/** Who reacted with one emoji. `userIds` are all of them, or with many reactions the first. */
export const Reaction = z
  .object({ emoji: z.string(), count: Counter, userIds: z.array(UserId) })
  .meta({ id: 'Reaction' })
export type Reaction = z.infer<typeof Reaction>

export const Message = z
  .object({
    id: MessageId,
    conversationId: ConversationId,
    /** Gapless per conversation, from 1: the order of messages. */
    sequence: Counter,
    /** The conversation's version at this message's last change. */
    version: Counter,
    senderId: UserId,
    text: z.string(),
    attachments: z.array(Attachment),
    replyTo: MessageId.nullable(),
    mentions: z.array(UserId),
    /** In the order in which each emoji was first used. */
    reactions: z.array(Reaction),
    createdAt: Time,
    editedAt: Time.nullable(),
    /** A deleted message keeps its place and says nothing: no text, attachments, mentions or reactions. */
    deletedAt: Time.nullable(),
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof Message>

/** A direct conversation is of two for ever; a group is of many who all write; in a channel few write and many read. */
export const ConversationKind = z.enum(['direct', 'group', 'channel']).meta({ id: 'ConversationKind' })
export type ConversationKind = z.infer<typeof ConversationKind>

/** What new members see: all that was said, or what is said from when they joined. */
export const HistoryVisibility = z.enum(['all', 'joined']).meta({ id: 'HistoryVisibility' })
export type HistoryVisibility = z.infer<typeof HistoryVisibility>

/** The caller's own part in a conversation: in answers and personal events only. */
export const Membership = z
  .object({
    role: Role,
    joinedSequence: Counter,
    deliveredSequence: Counter,
    readSequence: Counter,
    unreadCount: Counter,
    /** Of the unread messages, those that mention the caller. */
    mentionCount: Counter,
    mutedUntil: Time.nullable(),
  })
  .meta({ id: 'Membership' })
export type Membership = z.infer<typeof Membership>

export const Settings = z
  .object({
    /** Others are not told what this user has read. */
    privateRead: z.boolean(),
  })
  .meta({ id: 'Settings' })
export type Settings = z.infer<typeof Settings>

/** What a conversation offers at its size, said instead of silently cut off. */
export const Capabilities = z.object({
  typing: z.boolean(),
  /** Told for each member, or as counts and only when asked for. */
  receipts: z.enum(['members', 'counts']),
  presence: z.boolean(),
})
export type Capabilities = z.infer<typeof Capabilities>

export const Conversation = z
  .object({
    id: ConversationId,
    kind: ConversationKind,
    title: z.string().nullable(),
    avatarUrl: AvatarUrl,
    historyVisibility: HistoryVisibility,
    /** Archived conversations can be read, and not written in. */
    archivedAt: Time.nullable(),
    createdBy: UserId,
    createdAt: Time,
    /** Gapless per conversation, from 1: the order of all durable changes. */
    version: Counter,
    lastSequence: Counter,
    /** As the caller may see it; null in what is told to all members. */
    lastMessage: Message.nullable(),
    memberCount: Counter,
    capabilities: Capabilities,
    /** How long messages are kept here. */
    retentionDays: z.int(),
    /** Messages before this one have expired: what a client has of them is to be forgotten. Rises within a day of the expiry. */
    firstKeptSequence: Counter,
    me: Membership.optional(),
  })
  .meta({ id: 'Conversation' })
export type Conversation = z.infer<typeof Conversation>

/** How far a member has got, as others may know it. */
export const Receipt = z
  .object({ userId: UserId, deliveredSequence: Counter, readSequence: Counter })
  .meta({ id: 'Receipt' })
export type Receipt = z.infer<typeof Receipt>

export const PresenceState = z
  .object({
    userId: UserId,
    /**
     * `away`: no device has been used for a while. `busy`: does not want to be disturbed. `offline`: not there, or `invisible`, a
     * status that only the user sees. `unknown`: it cannot be told now, or not to the caller; never `offline` in doubt.
     */
    status: z.enum(['online', 'away', 'busy', 'invisible', 'offline', 'unknown']),
    /** In the user's own words. */
    text: z.string().nullable(),
    /** When an offline user was last there; null if that is not known, or not for the caller to know. */
    lastSeenAt: Time.nullable(),
  })
  .meta({ id: 'PresenceState' })
export type PresenceState = z.infer<typeof PresenceState>

/**
 * Who is told about a user, among those who share a conversation: all of them, those with a direct conversation, or nobody.
 * It is mutual for the time last seen: who does not let another see it does not see the other's.
 */
export const VisibleTo = z.enum(['everyone', 'contacts', 'nobody']).meta({ id: 'VisibleTo' })
export type VisibleTo = z.infer<typeof VisibleTo>

/** What a user has chosen to show of being there. */
export const Status = z
  .object({
    status: z.enum(['online', 'busy', 'invisible']),
    text: z.string().nullable(),
    /** When status and text end; null: when they are changed. */
    until: Time.nullable(),
    visibleTo: VisibleTo,
  })
  .meta({ id: 'Status' })
export type Status = z.infer<typeof Status>
