import { sql } from 'kysely'
import type { Db } from '../src/store/tables.ts'

/** What is not as it must be: gaps, doubles, counters that do not fit. Empty for a sound database. */
export async function audit(db: Db): Promise<unknown[]> {
  const { rows: sequences } = await sql`
    select c.id, c.last_sequence, m.count, m.sequences, m.last
    from conversations c, lateral (
      select count(*), count(distinct sequence) as sequences, coalesce(max(sequence), 0) as last
      from messages where conversation_id = c.id) m
    where not (m.count = c.last_sequence and m.sequences = c.last_sequence and m.last = c.last_sequence)`.execute(db)
  const { rows: versions } = await sql`
    select c.id, c.version, v.count, v.versions, v.last
    from conversations c, lateral (
      select count(*), count(distinct version) as versions, max(version) as last from (
        select created_version as version from messages where conversation_id = c.id
        union all
        select version from membership_changes where conversation_id = c.id group by version) v) v
    where not (v.count = c.version and v.versions = c.version and v.last = c.version)`.execute(db)
  const { rows: order } = await sql`
    select * from (
      select id, created_at < lag(created_at) over place as earlier, created_version <= lag(created_version) over place as lower
      from messages window place as (partition by conversation_id order by sequence)) m
    where earlier or lower`.execute(db)
  const { rows: conversations } = await sql`
    select c.id, c.member_count, c.last_message_id
    from conversations c
    left join messages last on last.id = c.last_message_id
    where c.member_count <> (select count(*) from members m where m.conversation_id = c.id and m.left_at is null)
      or coalesce(last.sequence, 0) <> c.last_sequence
      or last.created_at is distinct from c.last_message_at`.execute(db)
  const { rows: users } = await sql`
    select u.user_id, u.membership_version
    from users u
    where u.membership_version <> (select count(*) from membership_changes c where c.user_id = u.user_id)
      or u.membership_version <> (select max(membership_version) from membership_changes c where c.user_id = u.user_id)`.execute(
    db,
  )
  return [...sequences, ...versions, ...order, ...conversations, ...users]
}
