import type { OutputOf, GetReceipts } from '@parley/protocol'
import { sql } from 'kysely'
import { lowestIdAt } from '../domain/month.ts'
import type { Db, MessageRow } from './tables.ts'

type Place = Pick<MessageRow, 'conversationId' | 'sequence' | 'senderId' | 'createdAt'>
type Receipts = OutputOf<typeof GetReceipts>

/** Of the log, read at once and at most. Who has read a message did so soon, mostly: then the first rows tell it all. */
const LOG_ROWS_PER_READ = 1_000
const MAX_LOG_ROWS = 10_000

/** Who could have a message, with when it reached them at the latest. */
export async function listReceipts(db: Db, message: Place): Promise<Receipts['receipts']> {
  const rows = await whoCould(db, message)
    .select(['userId', 'deliveredSequence', 'shownReadSequence', 'raisedAt'])
    .orderBy('userId')
    .execute()
  const readers = rows.filter(({ shownReadSequence }) => shownReadSequence >= message.sequence)
  const readTimes = await firstReads(db, message, new Set(readers.map(({ userId }) => userId)))
  return rows.map(({ userId, deliveredSequence, shownReadSequence, raisedAt }) => {
    const readAt = shownReadSequence >= message.sequence ? (readTimes.get(userId) ?? raisedAt) : null
    const deliveredAt = deliveredSequence >= message.sequence ? (readAt ?? raisedAt) : null
    return { userId, deliveredAt: deliveredAt?.toISOString() ?? null, readAt: readAt?.toISOString() ?? null }
  })
}

/** The same in numbers. */
export function countReceipts(db: Db, message: Place): Promise<Omit<Receipts, 'receipts'>> {
  const { sequence } = message
  return whoCould(db, message)
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('deliveredSequence', '>=', sequence).as('deliveredCount'),
      fn.countAll<number>().filterWhere('shownReadSequence', '>=', sequence).as('readCount'),
      fn.countAll<number>().as('memberCount'),
    ])
    .executeTakeFirstOrThrow()
}

/** Members since before it, without its sender. */
const whoCould = (db: Db, { conversationId, sequence, senderId }: Place) =>
  db
    .selectFrom('members')
    .where('conversationId', '=', conversationId)
    .where('leftAt', 'is', null)
    .where('joinedSequence', '<', sequence)
    .where('userId', '<>', senderId)

/** When these readers first got so far, as far as the log is searched. */
async function firstReads(db: Db, message: Place, readers: ReadonlySet<string>): Promise<Map<string, Date>> {
  const missing = new Set(readers)
  const times = new Map<string, Date>()
  let after = lowestIdAt(message.createdAt)
  for (let searched = 0; searched < MAX_LOG_ROWS && missing.size > 0; searched += LOG_ROWS_PER_READ) {
    const { first, last, rows } = await readLogAfter(db, message, after)
    for (const [userId, id] of Object.entries(first)) {
      if (missing.delete(userId)) times.set(userId, timeOf(id))
    }
    if (last === null || rows < LOG_ROWS_PER_READ) break
    after = last
  }
  return times
}

interface ReadLogPage {
  /** By user, the first row in which they had got so far. */
  readonly first: Readonly<Record<string, string>>
  readonly last: string | null
  readonly rows: number
}

async function readLogAfter(db: Db, { conversationId, sequence }: Place, after: string): Promise<ReadLogPage> {
  const { rows } = await sql<ReadLogPage>`
    with page as materialized (
      select id, user_ids, sequences from read_log
      where conversation_id = ${conversationId} and id > ${after}
      order by id limit ${LOG_ROWS_PER_READ}),
    first as (
      select distinct on (user_id) user_id, id
      from page cross join unnest(user_ids, sequences) as read (user_id, sequence)
      where sequence >= ${sequence}
      order by user_id, id)
    select
      coalesce((select jsonb_object_agg(user_id, id) from first), '{}') as first,
      (select id from page order by id desc limit 1) as last,
      (select count(*) from page) as rows`.execute(db)
  return rows[0]!
}

const timeOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))
