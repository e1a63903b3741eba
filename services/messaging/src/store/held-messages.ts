import { sql, type RawBuilder } from 'kysely'
import { keepHolds } from './holds.ts'
import { ofAllMonths, type MessageTables } from './message-tables.ts'
import { messageOf } from './messages.ts'
import type { Db, HeldContent, MessageRow } from './tables.ts'

type Reason = 'expired' | 'deleted' | 'erased'

/**
 * Copies those of the messages that a hold covers, before they are destroyed, with their edits and reactions. Answers their
 * ids: their files stay, so nobody is told that these are removed. Until the transaction ends no hold begins or ends: let it
 * be short, and let it wait for no lock after this.
 */
export async function keepIfHeld(
  transaction: Db,
  messages: readonly MessageRow[],
  reason: Reason,
  tables: MessageTables = ofAllMonths,
): Promise<ReadonlySet<string>> {
  if (messages.length === 0) return new Set()
  await keepHolds(transaction)
  const held = await findHeld(transaction, messages)
  if (held.length > 0) await copy(transaction, held, reason, tables)
  return new Set(held.map(({ id }) => id))
}

async function findHeld(db: Db, messages: readonly MessageRow[]): Promise<MessageRow[]> {
  const { rows: holds } = await sql<{ userId: string | null; conversationId: string | null }>`
    select user_id, null::uuid as conversation_id from holds
    where user_id = any(${[...new Set(messages.map(({ senderId }) => senderId))]}::uuid[])
    union
    select null::uuid, conversation_id from holds
    where conversation_id = any(${[...new Set(messages.map((message) => message.conversationId))]}::uuid[])`.execute(db)
  if (holds.length === 0) return []
  const users = new Set(holds.map(({ userId }) => userId))
  const conversations = new Set(holds.map(({ conversationId }) => conversationId))
  return messages.filter(({ senderId, conversationId }) => users.has(senderId) || conversations.has(conversationId))
}

async function copy(db: Db, messages: readonly MessageRow[], reason: Reason, tables: MessageTables): Promise<void> {
  const ids = messages.map(({ id }) => id)
  const edits = await readParts<{ text: string; mentions: string[]; replacedAt: Date }>(
    db,
    sql`select message_id, text, mentions, replaced_at from ${sql.table(tables.edits)}
      where message_id = any(${ids}::uuid[]) order by message_id, version`,
  )
  const reactions = await readParts<{ emoji: string; userId: string; reactedAt: Date }>(
    db,
    sql`select message_id, emoji, user_id, reacted_at from ${sql.table(tables.reactions)}
      where message_id = any(${ids}::uuid[]) order by message_id, reacted_at, user_id`,
  )
  const copies = messages.map((message) => {
    const { id, conversationId, sequence, senderId, createdAt, attachments } = message
    const content: HeldContent = {
      message: messageOf(message),
      edits: (edits.get(id) ?? []).map((edit) => ({
        text: edit.text,
        mentions: edit.mentions,
        replacedAt: edit.replacedAt.toISOString(),
      })),
      reactions: (reactions.get(id) ?? []).map((reaction) => ({
        emoji: reaction.emoji,
        userId: reaction.userId,
        reactedAt: reaction.reactedAt.toISOString(),
      })),
    }
    const uploadIds = attachments.map((attachment) => attachment.id)
    return { id, conversationId, sequence, senderId, createdAt, content: JSON.stringify(content), uploadIds, reason }
  })
  await db
    .insertInto('heldMessages')
    .values(copies)
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => ({ content: eb.ref('excluded.content'), reason: eb.ref('excluded.reason') }))
        // What is left of a deleted message does not replace what it was.
        .where(sql<boolean>`excluded.content -> 'message' ->> 'deletedAt' is null`),
    )
    .execute()
}

async function readParts<Part>(db: Db, query: RawBuilder<unknown>): Promise<Map<string, Part[]>> {
  const { rows } = await query.execute(db)
  return Map.groupBy(rows as (Part & { messageId: string })[], ({ messageId }) => messageId)
}
