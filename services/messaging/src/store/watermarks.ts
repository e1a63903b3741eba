import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { sql } from 'kysely'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, thisMinute } from './conversations.ts'
import type { Expiring } from './expiring.ts'
import { mayHaveExpired } from './first-kept.ts'
import { firstCreatedAfter } from './first-sequences.ts'
import type { ConversationRow, Db, MessageRow } from './tables.ts'

export interface Raised {
  /** Of the conversations that were raised, the first kept message. */
  readonly firstKept: ReadonlyMap<string, number>
  /** Somebody else has these, or has changed their days. */
  readonly busy: readonly string[]
  readonly told: OutboxRow<Change> | undefined
}

/**
 * Tells the first kept message of each of the conversations in which messages have expired since it was last told. A change of
 * the conversation like any other. Nobody is waited for, and they are locked only while this is written.
 */
export async function raiseFirstKept(
  db: Db,
  retention: Retention,
  conversations: readonly Expiring[],
): Promise<Raised> {
  const wanted = await findExpired(db, retention, conversations)
  if (wanted.size === 0) return { firstKept: wanted, busy: [], told: undefined }
  const ids = [...wanted.keys()]
  const days = new Map(conversations.map(({ id, messageDays }) => [id, messageDays]))
  return db.transaction().execute(async (transaction) => {
    const locked = await transaction
      .selectFrom('conversations')
      .select(['id', 'messageDays'])
      .where('id', 'in', ids)
      .orderBy('id')
      .forNoKeyUpdate()
      .skipLocked()
      .execute()
    const unchanged = new Set(locked.filter(({ id, messageDays }) => days.get(id) === messageDays).map(({ id }) => id))
    const busy = ids.filter((id) => !unchanged.has(id))
    const raised = await raise(transaction, new Map([...wanted].filter(([id]) => unchanged.has(id))))
    const firstKept = new Map(raised.map((row) => [row.id, row.firstKeptSequence]))
    if (raised.length === 0) return { firstKept, busy, told: undefined }
    const changes = raised.map((row): Change => ({
      kind: 'conversation-updated',
      conversation: conversationOf(row, null, retention.messageDays(row)),
    }))
    return { firstKept, busy, told: await writeOutbox(transaction, changes) }
  })
}

/** Of those in which something has expired that is not told yet, the first kept message. */
async function findExpired(
  db: Db,
  retention: Retention,
  conversations: readonly Expiring[],
): Promise<Map<string, number>> {
  const ranges = conversations
    .filter(
      (conversation) =>
        conversation.lastSequence >= conversation.firstKeptSequence &&
        mayHaveExpired(conversation, retention.keptSince(conversation)),
    )
    .map((conversation) => ({
      conversationId: conversation.id,
      from: conversation.firstKeptSequence,
      to: conversation.lastSequence + 1,
      past: retention.keptSince(conversation),
    }))
  const found = await firstCreatedAfter(db, ranges)
  const before = new Map(ranges.map(({ conversationId, from }) => [conversationId, from]))
  return new Map([...found].filter(([id, first]) => first > before.get(id)!))
}

async function raise(db: Db, firstKept: ReadonlyMap<string, number>): Promise<ConversationRow[]> {
  if (firstKept.size === 0) return []
  const { rows } = await sql<ConversationRow>`
    update conversations c
    set first_kept_sequence = raised.first, version = c.version + 1, updated_version = c.version + 1,
      changed_minute = ${thisMinute}
    from unnest(${[...firstKept.keys()]}::uuid[], ${[...firstKept.values()]}::bigint[]) raised (id, first)
    where c.id = raised.id and c.first_kept_sequence < raised.first
    returning c.*`.execute(db)
  return rows
}

/** The first message that is stored of each of the conversations, from a sequence on; those without any are left out. */
export async function findOldest(
  db: Db,
  from: ReadonlyMap<string, number>,
): Promise<Map<string, Pick<MessageRow, 'sequence' | 'createdAt'>>> {
  const { rows } = await sql<{ id: string; sequence: number; createdAt: Date }>`
    select given.id, oldest.sequence, oldest.created_at
    from unnest(${[...from.keys()]}::uuid[], ${[...from.values()]}::bigint[]) given (id, first)
    cross join lateral (
      select sequence, created_at from messages where conversation_id = given.id and sequence >= given.first
      order by sequence limit 1
    ) oldest`.execute(db)
  return new Map(rows.map(({ id, ...oldest }) => [id, oldest]))
}

/**
 * Notes that nothing older is left, so that it is not looked for again. One that somebody else has now is looked through once
 * more the next time.
 */
export async function moveKeptFrom(
  db: Db,
  moments: ReadonlyMap<string, Date>,
  of: 'kept_from' | 'files_kept_from',
): Promise<void> {
  if (moments.size === 0) return
  const column = sql.ref(of)
  await sql`
    update conversations c set ${column} = moved.at
    from (
      select free.id, given.at
      from unnest(${[...moments.keys()]}::uuid[], ${[...moments.values()]}::timestamptz[]) given (id, at)
      join conversations free on free.id = given.id
      where free.${column} is null or free.${column} < given.at
      order by free.id
      for no key update of free skip locked
    ) moved
    where c.id = moved.id`.execute(db)
}
