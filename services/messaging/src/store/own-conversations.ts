import type { Conversation } from '@parley/protocol'
import { sql } from 'kysely'
import { withOwnPart } from '../domain/own-part.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { conversationOf } from './conversations.ts'
import { mayHaveExpired } from './first-kept.ts'
import { firstCreatedAfter } from './first-sequences.ts'
import { findMessages } from './messages.ts'
import type { ConversationRow, Db, MemberRow } from './tables.ts'
import { countUnreadMentions } from './unread-mentions.ts'

/** A conversation together with the membership through which it is seen. */
export type OwnConversationRow = Omit<ConversationRow, 'creationHash'> & MemberRow

export const lastActivity = sql<Date>`coalesce(conversations.last_message_at, conversations.created_at)`

/** Undefined when the user is not a member, which is the same as when there is no such conversation. */
export async function findOwnConversation(
  db: Db,
  retention: Retention,
  own: { conversationId: string; userId: string },
): Promise<Conversation | undefined> {
  const row = await ownConversations(db, own.userId)
    .where('members.conversationId', '=', own.conversationId)
    .executeTakeFirst()
  return row && (await asSeen(db, retention, [row]))[0]
}

/** Those of the conversations of which the user is a member, in no particular order. */
export async function findOwnConversations(
  db: Db,
  retention: Retention,
  own: { conversationIds: readonly string[]; userId: string },
): Promise<Conversation[]> {
  if (own.conversationIds.length === 0) return []
  const rows = await ownConversations(db, own.userId)
    .where('members.conversationId', 'in', own.conversationIds)
    .execute()
  return asSeen(db, retention, rows)
}

/** A user's conversations, newest activity first, after a place in that order. */
export async function listOwnConversations(
  db: Db,
  retention: Retention,
  page: { userId: string; after?: { lastActivityAt: Date; conversationId: string }; limit: number },
): Promise<{ conversation: Conversation; lastActivityAt: Date }[]> {
  const { userId, after, limit } = page
  const rows = await ownConversations(db, userId)
    .select(lastActivity.as('lastActivityAt'))
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(${lastActivity}, conversations.id) < (${after!.lastActivityAt}, ${after!.conversationId})`,
      ),
    )
    .orderBy(lastActivity, 'desc')
    .orderBy('conversations.id', 'desc')
    .limit(limit)
    .execute()
  const conversations = await asSeen(db, retention, rows)
  return rows.map(({ lastActivityAt }, index) => ({ conversation: conversations[index]!, lastActivityAt }))
}

/** All of a user's, as rows that `asSeen` takes. */
export function ownConversations(db: Db, userId: string) {
  return db
    .selectFrom('members')
    .innerJoin('conversations', 'conversations.id', 'members.conversationId')
    .where('members.userId', '=', userId)
    .where('members.leftAt', 'is', null)
    .selectAll('members')
    .select([
      'conversations.id',
      'conversations.kind',
      'conversations.title',
      'conversations.avatarUrl',
      'conversations.historyVisibility',
      'conversations.archivedAt',
      'conversations.createdBy',
      'conversations.createdAt',
      'conversations.version',
      'conversations.updatedVersion',
      'conversations.changedMinute',
      'conversations.lastSequence',
      'conversations.lastMessageId',
      'conversations.lastMessageAt',
      'conversations.memberCount',
      'conversations.messageDays',
      'conversations.fileDays',
      'conversations.firstKeptSequence',
      'conversations.keptFrom',
      'conversations.filesKeptFrom',
    ])
}

/** With `me`, and with the last message where this member may see it. All rows are of one user. */
export async function asSeen(
  db: Db,
  retention: Retention,
  rows: readonly OwnConversationRow[],
): Promise<Conversation[]> {
  const seen = rows.map((row) =>
    row.lastSequence >= visibleFrom(row, row) &&
    row.lastMessageAt !== null &&
    row.lastMessageAt > retention.keptSince(row)
      ? row.lastMessageId
      : null,
  )
  const messages = await findMessages(
    db,
    seen.filter((id) => id !== null),
  )
  const firstKept = await firstKeptSequences(db, retention, rows)
  const mentions = await countUnreadMentions(
    db,
    rows.filter(hasUnread).map((row) => {
      const { conversationId, userId } = row
      return {
        conversationId,
        userId,
        from: Math.max(firstUnread(row), firstKept.get(conversationId) ?? row.firstKeptSequence),
      }
    }),
  )
  return rows.map((row, index) => {
    const lastMessage = messages.get(seen[index] ?? '') ?? null
    return withOwnPart(conversationOf(row, lastMessage, retention.messageDays(row)), {
      ...row,
      mentionCount: mentions.get(row.conversationId) ?? 0,
      firstKeptSequence: firstKept.get(row.conversationId) ?? row.firstKeptSequence,
    })
  })
}

/** Of those conversations in which it makes a difference: nothing can have expired where nothing is that old. */
function firstKeptSequences(
  db: Db,
  retention: Retention,
  rows: readonly OwnConversationRow[],
): Promise<Map<string, number>> {
  const ranges = rows
    .map((row) => ({ row, keptSince: retention.keptSince(row) }))
    .filter(({ row, keptSince }) => mayHaveExpired(row, keptSince) && hasUnread(row))
    .map(({ row, keptSince }) => ({
      conversationId: row.conversationId,
      from: Math.max(firstUnread(row), row.firstKeptSequence),
      to: row.lastSequence + 1,
      past: keptSince,
    }))
  return firstCreatedAfter(db, ranges)
}

const firstUnread = (row: MemberRow): number => Math.max(row.readSequence, row.joinedSequence) + 1

const hasUnread = (row: OwnConversationRow): boolean => row.lastSequence >= firstUnread(row)
