import { sql } from 'kysely'
import type { Month } from '../domain/month.ts'
import type { Db } from './tables.ts'

const CONVERSATIONS_AT_ONCE = 2_000

/** A part of a month's table, by conversation. */
export interface Looked {
  /** The first of its conversations of which something is kept there. */
  readonly keeping: string | null
  /** The last that was looked at; null: there are no more. */
  readonly after: string | null
}

/**
 * Looks in a month of messages for conversations of which some have not been told to have expired. What a conversation keeps of a
 * month does not come back when it is gone, so nobody need look at it twice.
 */
export const findKeptMessages = (db: Db, table: string, after: string | null): Promise<Looked> =>
  lookThrough(
    db,
    table,
    after,
    sql`c.first_kept_sequence <= (
      select sequence from ${sql.table(table)} where conversation_id = c.id order by sequence desc limit 1)`,
  )

/** The same in a month of the read log: it tells of messages that were there before its end. */
export const findKeptReads = (db: Db, table: string, month: Month, after: string | null): Promise<Looked> =>
  lookThrough(
    db,
    table,
    after,
    sql`c.last_sequence >= c.first_kept_sequence and coalesce(c.kept_from, c.created_at) < ${month.endsAt}`,
  )

/** From one conversation to the next by the index, however many rows each has. */
async function lookThrough(
  db: Db,
  table: string,
  after: string | null,
  keeps: ReturnType<typeof sql>,
): Promise<Looked> {
  const from = after ?? '00000000-0000-0000-0000-000000000000'
  const { rows } = await sql<{ conversationId: string; keeps: boolean | null }>`
    with recursive walk as (
      select ${from}::uuid as conversation_id
      union all
      select next.conversation_id from walk cross join lateral (
        select conversation_id from ${sql.table(table)} where conversation_id > walk.conversation_id
        order by conversation_id limit 1
      ) next
    ),
    part as (
      select conversation_id from walk where conversation_id > ${from}::uuid limit ${CONVERSATIONS_AT_ONCE}
    )
    select conversation_id, ${keeps} as keeps
    from part left join conversations c on c.id = part.conversation_id`.execute(db)
  const keeping = rows.find((row) => row.keeps === true)?.conversationId ?? null
  return { keeping, after: rows.length < CONVERSATIONS_AT_ONCE ? null : rows.at(-1)!.conversationId }
}
