import type { ConversationKind } from '@parley/protocol'
import { sql } from 'kysely'
import { expiring, type Expiring } from './expiring.ts'
import { firstCreatedAfter } from './first-sequences.ts'
import type { Db } from './tables.ts'

/** Conversations of these kinds that some wider rule may be for, by id. */
export function listUnderRules(
  db: Db,
  { kinds, after, limit }: { kinds: readonly ConversationKind[]; after: string | null; limit: number },
): Promise<Expiring[]> {
  return expiring(db)
    .where('kind', 'in', kinds)
    .where((eb) => eb.or([eb('messageDays', 'is', null), eb('fileDays', 'is', null)]))
    .$if(after !== null, (query) => query.where('id', '>', after!))
    .orderBy('id')
    .limit(limit)
    .execute()
}

export const findExpiring = (db: Db, conversationId: string): Promise<Expiring | undefined> =>
  expiring(db).where('id', '=', conversationId).executeTakeFirst()

/** Sequences of a conversation: from one on, and before another. */
export interface Span {
  readonly conversationId: string
  readonly from: number
  readonly to: number
}

/** Messages of a conversation that were created after one moment, and not after another. */
export interface Window {
  readonly conversation: Expiring
  readonly after: Date
  readonly upTo: Date
}

/** Where they are; windows without any are left out. What is known of a conversation's first and last message spares a search. */
export async function findSpans(db: Db, windows: readonly Window[]): Promise<Span[]> {
  const some = windows.filter(({ after, upTo, conversation }) => after < upTo && oldestOf(conversation) <= upTo)
  const from = await firstCreatedAfter(
    db,
    some.filter(({ conversation, after }) => oldestOf(conversation) <= after).map((one) => rangeOf(one, one.after)),
  )
  const to = await firstCreatedAfter(
    db,
    some
      .filter(({ conversation: { lastMessageAt }, upTo }) => lastMessageAt !== null && lastMessageAt > upTo)
      .map((one) => rangeOf(one, one.upTo)),
  )
  return some
    .map(({ conversation: { id, firstKeptSequence, lastSequence } }) => ({
      conversationId: id,
      from: from.get(id) ?? firstKeptSequence,
      to: to.get(id) ?? lastSequence + 1,
    }))
    .filter((span) => span.from < span.to)
}

const oldestOf = ({ keptFrom, createdAt }: Expiring): Date => keptFrom ?? createdAt

const rangeOf = ({ conversation }: Window, past: Date) => ({
  conversationId: conversation.id,
  from: conversation.firstKeptSequence,
  to: conversation.lastSequence + 1,
  past,
})

/** The files of the messages in these spans. */
export async function countFiles(db: Db, spans: readonly Span[]): Promise<{ files: number; fileBytes: number }> {
  const { rows } = await sql<{ files: number; fileBytes: number }>`
    select count(*) as files, coalesce(sum((attachment ->> 'size')::bigint), 0)::bigint as file_bytes
    from ${unnested(spans)}
    cross join lateral (
      select attachments from messages
      where conversation_id = given.id and sequence >= given.low and sequence < given.high and attachments <> '[]'
    ) m
    cross join lateral jsonb_array_elements(m.attachments) attachment`.execute(db)
  return rows[0]!
}

/** Those of the messages in these spans that a hold covers. */
export async function countHeld(db: Db, spans: readonly Span[]): Promise<number> {
  const { rows } = await sql<{ held: number }>`
    select count(*) as held
    from ${unnested(spans)}
    cross join lateral (
      select sender_id from messages
      where conversation_id = given.id and sequence >= given.low and sequence < given.high
    ) m
    where given.id in (select conversation_id from holds where conversation_id is not null)
      or m.sender_id in (select user_id from holds where user_id is not null)`.execute(db)
  return rows[0]!.held
}

export async function hasHolds(db: Db): Promise<boolean> {
  return (await db.selectFrom('holds').select('id').limit(1).executeTakeFirst()) !== undefined
}

const unnested = (spans: readonly Span[]) => sql`unnest(
  ${spans.map(({ conversationId }) => conversationId)}::uuid[],
  ${spans.map(({ from }) => from)}::bigint[],
  ${spans.map(({ to }) => to)}::bigint[]) given (id, low, high)`
