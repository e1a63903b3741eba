import { sql, type RawBuilder } from 'kysely'
import type { Db } from './tables.ts'

/** Where to look in one conversation: the answer is not below `from`, and not above `to`. */
export interface SequenceRange<Value> {
  readonly conversationId: string
  readonly from: number
  readonly to: number
  readonly past: Value
}

/** The sequence of the first message in each range that was created after a moment; `to` when none was. */
export const firstCreatedAfter = (db: Db, ranges: readonly SequenceRange<Date>[]): Promise<Map<string, number>> =>
  firstPast(db, ranges, { column: sql`created_at`, type: sql`timestamptz` })

/** The same for the version that created it. */
export const firstVersionAfter = (db: Db, ranges: readonly SequenceRange<number>[]): Promise<Map<string, number>> =>
  firstPast(db, ranges, { column: sql`created_version`, type: sql`bigint` })

/**
 * For a column that rises with the sequence. Found by halving, a few reads by index each, however many messages there are and
 * whichever are gone.
 */
async function firstPast(
  db: Db,
  ranges: readonly SequenceRange<unknown>[],
  { column, type }: { column: RawBuilder<unknown>; type: RawBuilder<unknown> },
): Promise<Map<string, number>> {
  if (ranges.length === 0) return new Map()
  const ids = ranges.map(({ conversationId }) => conversationId)
  const froms = ranges.map(({ from }) => from)
  const tos = ranges.map(({ to }) => to)
  const pasts = ranges.map(({ past }) => past)
  const { rows } = await sql<{ id: string; sequence: number }>`
    select given.id, found.sequence
    from unnest(${ids}::uuid[], ${froms}::bigint[], ${tos}::bigint[], ${pasts}::${type}[])
      as given (id, low, high, past)
    cross join lateral (
      with recursive search (low, high) as (
        select given.low, given.high
        union all
        select
          case when coalesce(probe.past, true) then halved.low else probe.sequence + 1 end,
          case when coalesce(probe.past, true) then halved.middle else halved.high end
        from (select low, high, (low + high) / 2 as middle from search where low < high) halved
        left join lateral (
          select sequence, ${column} > given.past as past from messages
          where conversation_id = given.id and sequence >= halved.middle
          order by sequence limit 1
        ) probe on true
      )
      select coalesce(
        (select sequence from messages where conversation_id = given.id and sequence >= low order by sequence limit 1),
        given.high) as sequence
      from search where low >= high limit 1
    ) found`.execute(db)
  return new Map(rows.map(({ id, sequence }) => [id, sequence]))
}
