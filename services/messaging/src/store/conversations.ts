import type { Conversation, Message } from '@parley/protocol'
import { sql } from 'kysely'
import { capabilitiesOf } from '../domain/capabilities.ts'
import type { ConversationRow, Db } from './tables.ts'

/** To the millisecond, which is what clients are told. */
const now = sql<Date>`date_trunc('milliseconds', clock_timestamp())`

export const thisMinute = sql<Date>`date_trunc('minute', clock_timestamp())`

/** Version 1 is the creation. Undefined when the id exists, even if it came into being at this very moment. */
export async function insertConversation(
  db: Db,
  conversation: Pick<
    ConversationRow,
    'id' | 'kind' | 'title' | 'historyVisibility' | 'createdBy' | 'creationHash' | 'memberCount'
  >,
): Promise<ConversationRow | undefined> {
  return db
    .insertInto('conversations')
    .values({ ...conversation, createdAt: now, version: 1, lastSequence: 0 })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returningAll()
    .executeTakeFirst()
}

export async function findConversation(db: Db, conversationId: string): Promise<ConversationRow | undefined> {
  return db.selectFrom('conversations').selectAll().where('id', '=', conversationId).executeTakeFirst()
}

/** Of those of the conversations that exist. */
export async function listAvatars(
  db: Db,
  conversationIds: readonly string[],
): Promise<{ conversationId: string; avatarUrl: string | null }[]> {
  return db
    .selectFrom('conversations')
    .select(['id as conversationId', 'avatarUrl'])
    .where('id', 'in', conversationIds)
    .execute()
}

/** The first lock of every change: until the transaction ends, nobody else changes this conversation. */
export async function lockConversation(
  db: Db,
  conversationId: string,
): Promise<(ConversationRow & { readonly now: Date }) | undefined> {
  const locked = await db
    .selectFrom('conversations')
    .select('id')
    .where('id', '=', conversationId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (locked === undefined) return undefined
  // Only a later statement sees what was committed before the lock was had.
  return db
    .selectFrom('conversations')
    .selectAll()
    .select(now.as('now'))
    .where('id', '=', conversationId)
    .executeTakeFirstOrThrow()
}

/** Under its lock: what is named, and always the version. */
export async function updateConversation(
  db: Db,
  conversationId: string,
  values: Pick<ConversationRow, 'version'> & Partial<Omit<ConversationRow, 'id' | 'changedMinute'>>,
): Promise<void> {
  await db
    .updateTable('conversations')
    .set({ ...values, changedMinute: thisMinute })
    .where('id', '=', conversationId)
    .execute()
}

/** As clients see it, without anybody's own part. */
export function conversationOf(
  row: Omit<ConversationRow, 'creationHash'>,
  lastMessage: Message | null,
  retentionDays: number,
): Conversation {
  const { id, kind, title, avatarUrl, historyVisibility, createdBy, version, lastSequence, memberCount } = row
  const { firstKeptSequence } = row
  return {
    id,
    kind,
    title,
    avatarUrl,
    historyVisibility,
    archivedAt: row.archivedAt?.toISOString() ?? null,
    createdBy,
    createdAt: row.createdAt.toISOString(),
    version,
    lastSequence,
    lastMessage,
    memberCount,
    capabilities: capabilitiesOf(row),
    retentionDays,
    firstKeptSequence,
  }
}
