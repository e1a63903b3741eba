import { sql } from 'kysely'
import type { Db, MessageRow } from './tables.ts'

/** Of a conversation that is locked; those that are gone by now are left out. */
export async function lockMessages(
  db: Db,
  { conversationId, ids }: { conversationId: string; ids: readonly string[] },
): Promise<MessageRow[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('messages')
    .selectAll()
    .where('conversationId', '=', conversationId)
    .where('id', 'in', ids)
    .where('deletedAt', 'is', null)
    .orderBy('sequence')
    .forUpdate()
    .execute()
}

/** Nothing is left of what they said but their places, each with the next version; in the order given. */
export async function makeTombstones(
  db: Db,
  messages: readonly MessageRow[],
  { afterVersion, at }: { afterVersion: number; at: Date },
): Promise<MessageRow[]> {
  if (messages.length === 0) return []
  const ids = messages.map(({ id }) => id)
  for (const parts of ['message_edits', 'reactions', 'unread_mentions']) {
    await sql`delete from ${sql.table(parts)} where message_id = any(${ids}::uuid[])`.execute(db)
  }
  // The hash of a short text would tell the text.
  const { rows } = await sql<MessageRow>`
    update messages m
    set version = ${afterVersion} + given.n, text = '', mentions = '{}', attachments = '[]', reactions = '[]',
      content_hash = '', deleted_at = ${at}
    from unnest(${ids}::uuid[]) with ordinality given (id, n)
    where m.id = given.id
    returning m.*`.execute(db)
  return rows.toSorted((a, b) => a.version - b.version)
}
