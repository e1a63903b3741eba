import { sql } from 'kysely'
import { destroyMessages, type Destroyed } from './destroy-messages.ts'
import type { Db, MessageRow } from './tables.ts'

/** What nobody is shown any more of a conversation, and may go. */
export interface Leftover {
  readonly id: string
  readonly firstKeptSequence: number
  /** No message that is older has files. */
  readonly filesKeptFrom: Date | null
}

const MESSAGES_AT_ONCE = 500
/** A message may have very many. */
const REACTIONS_AT_ONCE = 10_000
const READS_AT_ONCE = 2_000

/**
 * Deletes some of the messages before the first kept ones, with all that belongs to them, in a short transaction that takes no
 * lock anybody waits for. When it deletes none, only those are left that somebody else is deleting.
 */
export async function deleteExpired(db: Db, leftovers: readonly Leftover[]): Promise<Destroyed> {
  const filesKeptFrom = new Map(leftovers.map((leftover) => [leftover.id, leftover.filesKeptFrom]))
  return db.transaction().execute(async (transaction) => {
    const messages = await lockExpired(transaction, leftovers)
    return destroyMessages(transaction, messages, {
      isFileGone({ conversationId, createdAt }) {
        const from = filesKeptFrom.get(conversationId) ?? null
        return from !== null && createdAt < from
      },
    })
  })
}

async function lockExpired(db: Db, leftovers: readonly Leftover[]): Promise<MessageRow[]> {
  const { rows } = await sql<MessageRow>`
    select expired.*
    from unnest(
      ${leftovers.map(({ id }) => id)}::uuid[], ${leftovers.map((leftover) => leftover.firstKeptSequence)}::bigint[]
    ) given (id, first)
    cross join lateral (
      select * from messages where conversation_id = given.id and sequence < given.first
      order by sequence limit ${MESSAGES_AT_ONCE} for update skip locked
    ) expired
    limit ${MESSAGES_AT_ONCE}`.execute(db)
  let reactions = 0
  return rows.filter((row, index) => {
    reactions += row.reactions.reduce((sum, { count }) => sum + count, 0)
    return index === 0 || reactions <= REACTIONS_AT_ONCE
  })
}

/** Deletes some of what the read log tells of before a moment of each conversation; answers how many rows. */
export async function deleteReads(db: Db, before: ReadonlyMap<string, Date>): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from read_log where id in (
      select old.id
      from unnest(${[...before.keys()]}::uuid[], ${[...before.values()]}::timestamptz[]) given (id, moment)
      cross join lateral (
        select id from read_log where conversation_id = given.id and id < lowest_id_at(given.moment)
        order by id limit ${READS_AT_ONCE}
      ) old
      limit ${READS_AT_ONCE})`.execute(db)
  return Number(numAffectedRows ?? 0)
}
