import type { ConversationKind } from '@parley/protocol'
import { sql } from 'kysely'
import type { ConversationRow, Db } from './tables.ts'

/** A conversation in which something may have expired. */
export type Expiring = Pick<
  ConversationRow,
  | 'id'
  | 'kind'
  | 'createdAt'
  | 'lastSequence'
  | 'lastMessageAt'
  | 'messageDays'
  | 'fileDays'
  | 'firstKeptSequence'
  | 'keptFrom'
  | 'filesKeptFrom'
> & {
  /** When a mark last raised something, which the read log may tell. */
  readonly raisedAt: Date | null
}

/** The last of the page before; nulls: from the beginning. */
export interface Place {
  readonly at: Date | null
  readonly id: string | null
}

const messagesFrom = sql<Date>`coalesce(kept_from, created_at)`
const filesFrom = sql<Date>`coalesce(files_kept_from, created_at)`

interface Page {
  readonly after: Place
  readonly limit: number
}

/** Of a kind, without days of their own, and with nothing known to be newer than a moment; by that. */
export function listExpiring(
  db: Db,
  { kind, keptSince, after, limit }: Page & { kind: ConversationKind; keptSince: Date },
): Promise<Expiring[]> {
  return expiring(db)
    .where('kind', '=', kind)
    .where('messageDays', 'is', null)
    .where(messagesFrom, '<=', keptSince)
    .$if(after.at !== null, (query) => query.where(sql<boolean>`(${messagesFrom}, id) > (${after.at}, ${after.id})`))
    .orderBy(messagesFrom)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** The same for files. */
export function listWithExpiringFiles(
  db: Db,
  { kind, keptSince, after, limit }: Page & { kind: ConversationKind; keptSince: Date },
): Promise<Expiring[]> {
  return expiring(db)
    .where('kind', '=', kind)
    .where('fileDays', 'is', null)
    .where('messageDays', 'is', null)
    .where(filesFrom, '<=', keptSince)
    .$if(after.at !== null, (query) => query.where(sql<boolean>`(${filesFrom}, id) > (${after.at}, ${after.id})`))
    .orderBy(filesFrom)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** All that have days of their own, whatever has expired there; by id. */
export function listWithOwnRetention(db: Db, { after, limit }: Page): Promise<Expiring[]> {
  return expiring(db)
    .where((eb) => eb.or([eb('messageDays', 'is not', null), eb('fileDays', 'is not', null)]))
    .$if(after.id !== null, (query) => query.where('id', '>', after.id!))
    .orderBy('id')
    .limit(limit)
    .execute()
}

export const expiring = (db: Db) =>
  db
    .selectFrom('conversations')
    .select([
      'id',
      'kind',
      'createdAt',
      'lastSequence',
      'lastMessageAt',
      'messageDays',
      'fileDays',
      'firstKeptSequence',
      'keptFrom',
      'filesKeptFrom',
    ])
    .select((eb) =>
      eb
        .selectFrom('conversationReceipts')
        .select('raisedAt')
        .whereRef('conversationReceipts.conversationId', '=', 'conversations.id')
        .as('raisedAt'),
    )

/** Of all conversations that have days of their own for messages; undefined without any. */
export async function shortestOwnDays(db: Db): Promise<number | undefined> {
  const shortest = await db
    .selectFrom('conversations')
    .select(({ fn }) => fn.min('messageDays').as('days'))
    .where((eb) => eb.or([eb('messageDays', 'is not', null), eb('fileDays', 'is not', null)]))
    .executeTakeFirst()
  return shortest?.days ?? undefined
}
