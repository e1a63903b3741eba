import { sql, type RawBuilder } from 'kysely'
import type { Db } from './tables.ts'

/** Where to look in one conversation: the answer is not below `from`, and not above `to`. */
export interface SequenceRange {
  readonly conversationId: string
  readonly from: number
  readonly to: number
}

/**
 * The sequence of the first message in each range that is `past` something that rises with the sequence, such as a time; `to`
 * when none is. Found by halving, a few reads by index each, however many messages there are and whichever are gone.
 */
export async function firstSequences(
  db: Db,
  ranges: readonly SequenceRange[],
  past: RawBuilder<boolean>,
): Promise<Map<string, number>> {
  if (ranges.length === 0) return new Map()
  const ids = ranges.map(({ conversationId }) => conversationId)
  const froms = ranges.map(({ from }) => from)
  const tos = ranges.map(({ to }) => to)
  const { rows } = await sql<{ id: string; sequence: number }>`
    select given.id, found.sequence
    from unnest(${ids}::uuid[], ${froms}::bigint[], ${tos}::bigint[]) as given (id, low, high)
    cross join lateral (
      with recursive search (low, high) as (
        select given.low, given.high
        union all
        select
          case when coalesce(probe.past, true) then halved.low else probe.sequence + 1 end,
          case when coalesce(probe.past, true) then halved.middle else halved.high end
        from (select low, high, (low + high) / 2 as middle from search where low < high) halved
        left join lateral (
          select sequence, ${past} as past from messages
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
