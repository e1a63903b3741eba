import { sql } from 'kysely'
import type { OwnPlace } from './erasures.ts'
import type { ConversationRow, Db, MemberRow, MessageRow } from './tables.ts'

/** A conversation of which the user is or was a member. */
export type ExportedConversation = Pick<
  ConversationRow,
  'id' | 'kind' | 'title' | 'messageDays' | 'fileDays' | 'firstKeptSequence'
> &
  Pick<MemberRow, 'role' | 'joinedAt' | 'leftAt' | 'deliveredSequence' | 'readSequence' | 'mutedUntil'>

/** All of them, by id, from one on or after it. */
export async function listExportedConversations(
  db: Db,
  { userId, from, limit }: { userId: string; from: string | null; limit: number },
): Promise<ExportedConversation[]> {
  const { rows } = await sql<ExportedConversation>`
    select c.id, c.kind, c.title, c.message_days, c.file_days, c.first_kept_sequence,
      m.role, m.joined_at, m.left_at, m.delivered_sequence, m.read_sequence, m.muted_until
    from (
      select distinct conversation_id from membership_changes
      where user_id = ${userId} and conversation_id >= ${from ?? '00000000-0000-0000-0000-000000000000'}
      order by conversation_id limit ${limit}
    ) own
    join conversations c on c.id = own.conversation_id
    join members m on m.conversation_id = c.id and m.user_id = ${userId}
    order by c.id`.execute(db)
  return rows
}

export interface ExportedLook {
  readonly id: string
  readonly sequence: number
  readonly isOwn: boolean
  /** What the user gave to it. */
  readonly reactions: readonly { readonly emoji: string; readonly reactedAt: string }[]
}

/** The messages of a conversation after a sequence that have not expired, whoever wrote them. */
export async function lookAtExported(
  db: Db,
  looking: OwnPlace & { after: number; firstKeptSequence: number; keptSince: Date; limit: number },
): Promise<ExportedLook[]> {
  const { conversationId, userId, after, firstKeptSequence, keptSince, limit } = looking
  const { rows } = await sql<ExportedLook>`
    select id, sequence, sender_id = ${userId} as is_own,
      case when reactions = '[]' then '[]' else coalesce((
        select jsonb_agg(jsonb_build_object(
          'emoji', emoji,
          'reactedAt', to_char(reacted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        ) order by reacted_at, emoji)
        from reactions r where r.message_id = messages.id and r.user_id = ${userId}
      ), '[]') end as reactions
    from messages
    where conversation_id = ${conversationId} and sequence > ${after} and sequence >= ${firstKeptSequence}
      and created_at > ${keptSince}
    order by sequence limit ${limit}`.execute(db)
  return rows
}

/** By sequence. */
export async function readExported(db: Db, ids: readonly string[]): Promise<MessageRow[]> {
  return db.selectFrom('messages').selectAll().where('id', 'in', ids).orderBy('sequence').execute()
}

/** What the user's message at this place said before, after a version. */
export async function readExportedEdits(
  db: Db,
  { conversationId, userId, sequence, after, limit }: OwnPlace & { sequence: number; after: number; limit: number },
): Promise<{ messageId: string; version: number; text: string; mentions: string[]; replacedAt: Date }[]> {
  return db
    .selectFrom('messageEdits')
    .innerJoin('messages', 'messages.id', 'messageEdits.messageId')
    .selectAll('messageEdits')
    .where('messages.conversationId', '=', conversationId)
    .where('messages.sequence', '=', sequence)
    .where('messages.senderId', '=', userId)
    .where('messageEdits.version', '>', after)
    .orderBy('messageEdits.version')
    .limit(limit)
    .execute()
}

export async function listExportedBlocks(
  db: Db,
  { userId, after }: { userId: string; after: string | null },
): Promise<{ blockedId: string; createdAt: Date }[]> {
  return db
    .selectFrom('blocks')
    .select(['blockedId', 'createdAt'])
    .where('userId', '=', userId)
    .$if(after !== null, (query) => query.where('blockedId', '>', after!))
    .orderBy('blockedId')
    .execute()
}
