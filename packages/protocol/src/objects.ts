import { z } from 'zod'
import { ConversationId, Counter, MessageId, Time, UploadId, UserId } from './ids.ts'

export const User = z
  .object({ id: UserId, displayName: z.string(), avatarUrl: z.string().nullable(), createdAt: Time })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

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

export const Attachment = z
  .object({ id: UploadId, name: z.string(), type: z.string(), /** Bytes. */ size: z.int() })
  .meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>

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
    reactions: z.array(z.object({ emoji: z.string(), count: Counter, userIds: z.array(UserId) })),
    createdAt: Time,
    editedAt: Time.nullable(),
    deletedAt: Time.nullable(),
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof Message>

export const ConversationKind = z.enum(['direct', 'group']).meta({ id: 'ConversationKind' })
export type ConversationKind = z.infer<typeof ConversationKind>

/** The caller's own part in a conversation: in answers and personal events only. */
export const Membership = z
  .object({
    role: Role,
    joinedSequence: Counter,
    deliveredSequence: Counter,
    readSequence: Counter,
    unreadCount: Counter,
    mutedUntil: Time.nullable(),
  })
  .meta({ id: 'Membership' })
export type Membership = z.infer<typeof Membership>

/** What a conversation offers at its size, said instead of silently cut off. */
export const Capabilities = z.object({
  typing: z.boolean(),
  receipts: z.enum(['members', 'counts', 'none']),
  presence: z.boolean(),
})
export type Capabilities = z.infer<typeof Capabilities>

export const Conversation = z
  .object({
    id: ConversationId,
    kind: ConversationKind,
    title: z.string().nullable(),
    createdBy: UserId,
    createdAt: Time,
    /** Gapless per conversation, from 1: the order of all durable changes. */
    version: Counter,
    lastSequence: Counter,
    lastMessage: Message.nullable(),
    memberCount: Counter,
    capabilities: Capabilities,
    retentionDays: z.int(),
    me: Membership.optional(),
  })
  .meta({ id: 'Conversation' })
export type Conversation = z.infer<typeof Conversation>

export const PresenceState = z
  .object({
    userId: UserId,
    /** `unknown` while it cannot be told: never `offline` in doubt. */
    status: z.enum(['online', 'offline', 'unknown']),
    lastSeenAt: Time.nullable(),
  })
  .meta({ id: 'PresenceState' })
export type PresenceState = z.infer<typeof PresenceState>
