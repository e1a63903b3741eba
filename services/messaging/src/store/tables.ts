import type { OutboxTable } from '@parley/postgres'
import type { ConversationKind, Role } from '@parley/protocol'
import type { Kysely, Selectable } from 'kysely'

interface ConversationsTable {
  id: string
  kind: ConversationKind
  title: string | null
  createdBy: string
  createdAt: Date
  /** Of what its creator asked for: tells a retry from another conversation with the same id. */
  creationHash: Buffer
  /** Of the last durable change. */
  version: number
  /** Of the last message. */
  lastSequence: number
  lastMessageId: string | null
  lastMessageAt: Date | null
  memberCount: number
}

/** Everybody who is or was a member, once; who comes back is the same row, joined anew. */
interface MembersTable {
  conversationId: string
  userId: string
  role: Role
  joinedAt: Date
  /** The conversation's version with this membership: the first that is theirs. */
  joinedVersion: number
  /** The conversation's last sequence when they joined: unread counts from there. */
  joinedSequence: number
  /** The first sequence they may see. */
  visibleFromSequence: number
  /** The three of the end; null while they are a member. */
  leftAt: Date | null
  leftVersion: number | null
  leftSequence: number | null
  deliveredSequence: number
  readSequence: number
}

/** Every beginning and end of a membership: one version of a conversation, and one of a user's `membershipVersion`. */
interface MembershipChangesTable {
  conversationId: string
  version: number
  userId: string
  membershipVersion: number
  kind: 'joined' | 'left'
  /** Of the membership that began or ended. */
  joinedVersion: number
}

interface UsersTable {
  userId: string
  /** Gapless: raised with each beginning and end of a membership of this user. */
  membershipVersion: number
}

interface MessagesTable {
  id: string
  conversationId: string
  sequence: number
  /** The conversation's version with this message's creation; fixed. */
  createdVersion: number
  /** The conversation's version with this message's last change. */
  version: number
  senderId: string
  text: string
  replyTo: string | null
  mentions: string[]
  contentHash: Buffer
  createdAt: Date
}

export interface Tables {
  conversations: ConversationsTable
  members: MembersTable
  membershipChanges: MembershipChangesTable
  users: UsersTable
  messages: MessagesTable
  outbox: OutboxTable
}

/** The database, or a transaction in it. */
export type Db = Kysely<Tables>

export type ConversationRow = Selectable<ConversationsTable>
export type MemberRow = Selectable<MembersTable>
export type MessageRow = Selectable<MessagesTable>
