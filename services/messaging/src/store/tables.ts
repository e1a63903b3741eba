import type { RetentionRules } from '@parley/contracts'
import type { OutboxTable } from '@parley/postgres'
import type { Attachment, ConversationKind, HistoryVisibility, Message, Reaction, Role } from '@parley/protocol'
import type { ColumnType, Generated, Kysely, Selectable } from 'kysely'

interface ConversationsTable {
  id: string
  kind: ConversationKind
  title: string | null
  avatarUrl: string | null
  historyVisibility: HistoryVisibility
  archivedAt: Date | null
  createdBy: string
  createdAt: Date
  /** Of what its creator asked for: tells a retry from another conversation with the same id. */
  creationHash: Buffer
  /** Of the last durable change. */
  version: number
  /** Of the last change of the conversation's own properties. */
  updatedVersion: Generated<number>
  /** The minute in which the version was last raised. */
  changedMinute: Generated<Date>
  /** Of the last message. */
  lastSequence: number
  lastMessageId: string | null
  lastMessageAt: Date | null
  memberCount: number
  /** For how many days messages and their files are kept here; null: as the rules say. */
  messageDays: number | null
  fileDays: number | null
  /** Messages before it have expired. Rises only; what has expired since it last rose is hidden by time. */
  firstKeptSequence: Generated<number>
  /** No message is older than this; null: than the conversation. */
  keptFrom: Date | null
  /** No message that is older has files; null: than the conversation. */
  filesKeptFrom: Date | null
}

/** What `retention` has said last. */
interface RetentionRulesTable {
  id: Generated<boolean>
  revision: number
  rules: Json<RetentionRules>
}

/** Of a user or of a conversation: what it covers is not deleted. */
interface HoldsTable {
  id: string
  userId: string | null
  conversationId: string | null
}

/** What would be gone but for a hold: nobody is shown it any more. */
interface HeldMessagesTable {
  id: string
  conversationId: string
  sequence: number
  senderId: string
  createdAt: Date
  /** The whole message, its edits and its reactions, as they were. */
  content: Json<HeldContent>
  uploadIds: string[]
  reason: 'expired' | 'deleted' | 'erased'
  heldAt: Generated<Date>
}

export interface HeldContent {
  readonly message: Message
  readonly edits: readonly {
    readonly text: string
    readonly mentions: readonly string[]
    readonly replacedAt: string
  }[]
  readonly reactions: readonly { readonly emoji: string; readonly userId: string; readonly reactedAt: string }[]
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
  /** Raised by sending too, and by a private reader: the member's own business. */
  readSequence: number
  /** As far as others are told. */
  shownReadSequence: Generated<number>
  /** When one of these, or the next, was changed by a mark; null before the first. */
  raisedAt: Date | null
  mutedUntil: Date | null
  /** The user's `membershipVersion` with the last change of role or mute, which they are told personally; null before the first. */
  ownVersion: number | null
}

/**
 * Every beginning and end of a membership, one version of a conversation and one of a user's `membershipVersion`, and every
 * change of a role, a version of the conversation only.
 */
interface MembershipChangesTable {
  conversationId: string
  version: number
  userId: string
  membershipVersion: number | null
  kind: 'joined' | 'left' | 'changed'
  /** Of the membership that began, ended or changed. */
  joinedVersion: number
}

interface UsersTable {
  userId: string
  /** Gapless: raised with each beginning, change and end of a membership of this user. */
  membershipVersion: number
  /** The minute in which it was last raised. */
  changedMinute: Generated<Date>
  privateRead: Generated<boolean>
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
  attachments: Json<Attachment[]>
  /** What is told of `reactions`. */
  reactions: Json<Reaction[]>
  editedAt: Date | null
  deletedAt: Date | null
}

/** What a message said before: once per edit. */
interface MessageEditsTable {
  messageId: string
  /** The conversation's, with the edit that replaced it. */
  version: number
  text: string
  mentions: string[]
  replacedAt: Date
}

interface ReactionsTable {
  messageId: string
  emoji: string
  userId: string
  reactedAt: Date
}

/** Of members who have not read the message yet. */
interface UnreadMentionsTable {
  userId: string
  conversationId: string
  sequence: number
  messageId: string
}

/** Who has read how far: a row for those who did so in one conversation at one moment, which is the time of its id. */
interface ReadLogTable {
  id: string
  conversationId: string
  userIds: string[]
  /** Of each user in turn; in an array, bigints are read as text. */
  sequences: string[]
}

interface ConversationReceiptsTable {
  conversationId: string
  /** When a mark last raised something. */
  raisedAt: Date
}

interface BlocksTable {
  userId: string
  blockedId: string
  /** The direct conversation of the two, whether there is one or not. */
  conversationId: string
  createdAt: Generated<Date>
}

/** When a block last began or ended; forgotten after a day. */
interface BlockChangesTable {
  userId: string
  blockedId: string
  conversationId: string
  changedAt: Date
}

/** Of users who are being erased, or are erased. */
interface ErasuresTable {
  userId: string
  conversationId: string
  /** In messages that were last changed with this version, or before, nothing of theirs is left. */
  version: number
}

/** Written as text, read as what it says. */
type Json<Value> = ColumnType<Value, string | undefined, string>

export interface Tables {
  conversations: ConversationsTable
  members: MembersTable
  membershipChanges: MembershipChangesTable
  users: UsersTable
  messages: MessagesTable
  messageEdits: MessageEditsTable
  reactions: ReactionsTable
  unreadMentions: UnreadMentionsTable
  readLog: ReadLogTable
  conversationReceipts: ConversationReceiptsTable
  blocks: BlocksTable
  blockChanges: BlockChangesTable
  retentionRules: RetentionRulesTable
  holds: HoldsTable
  heldMessages: HeldMessagesTable
  erasures: ErasuresTable
  outbox: OutboxTable
}

/** The database, or a transaction in it. */
export type Db = Kysely<Tables>

export type ConversationRow = Selectable<ConversationsTable>
export type MemberRow = Selectable<MembersTable>
export type MessageRow = Selectable<MessagesTable>
