import type { Message } from '@parley/protocol'
import type { Db, MessageRow } from './tables.ts'

/**
 * Messages of a conversation next to a sequence, or the newest: nearest first, which is ascending only with `after`.
 */
export async function readMessages(
  db: Db,
  options: {
    conversationId: string
    visibleFromSequence: number
    keptSince: Date
    before?: number | undefined
    after?: number | undefined
    limit: number
  },
): Promise<Message[]> {
  const { conversationId, visibleFromSequence, keptSince, before, after, limit } = options
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('conversationId', '=', conversationId)
    .where('sequence', '>=', visibleFromSequence)
    .where('createdAt', '>', keptSince)
    .$if(before !== undefined, (query) => query.where('sequence', '<', before!))
    .$if(after !== undefined, (query) => query.where('sequence', '>', after!))
    .orderBy('sequence', after === undefined ? 'desc' : 'asc')
    .limit(limit)
    .execute()
  return rows.map(messageOf)
}

/** Those of the messages that exist, by id. */
export async function findMessages(db: Db, ids: readonly string[]): Promise<Map<string, Message>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('messages').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, messageOf(row)]))
}

/** The files of those of the messages that exist and are not deleted, or that are held. */
export async function listAttachments(db: Db, ids: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
  const stored = await db
    .selectFrom('messages')
    .select(['id', 'attachments'])
    .where('id', 'in', ids)
    .where('deletedAt', 'is', null)
    .execute()
  // After that: a message that is copied for a hold meanwhile is found in one of them.
  const held = await db.selectFrom('heldMessages').select(['id', 'uploadIds']).where('id', 'in', ids).execute()
  const uploads = new Map<string, ReadonlySet<string>>(
    stored.map(({ id, attachments }) => [id, new Set(attachments.map((attachment) => attachment.id))]),
  )
  for (const { id, uploadIds } of held) uploads.set(id, new Set(uploadIds).union(uploads.get(id) ?? new Set()))
  return uploads
}

/** Those of the messages that exist, each with the version that created it. */
export async function findCreations(
  db: Db,
  ids: readonly string[],
): Promise<{ readonly version: number; readonly message: Message }[]> {
  const rows = await db.selectFrom('messages').selectAll().where('id', 'in', ids).orderBy('createdVersion').execute()
  return rows.map((row) => ({ version: row.createdVersion, message: messageOf(row) }))
}

/** As clients see it. */
export function messageOf(row: MessageRow): Message {
  const { id, conversationId, sequence, version, senderId, text, attachments, replyTo, mentions, reactions } = row
  return {
    id,
    conversationId,
    sequence,
    version,
    senderId,
    text,
    attachments,
    replyTo,
    mentions,
    reactions,
    createdAt: row.createdAt.toISOString(),
    editedAt: row.editedAt?.toISOString() ?? null,
    deletedAt: row.deletedAt?.toISOString() ?? null,
  }
}
