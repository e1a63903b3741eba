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
      -- What was changed again keeps only its last version: with nothing changed again, all versions are there.
      select count(*), count(distinct version) as versions, max(version) as last,
        count(*) filter (where changed) as changes
      from (
        select created_version as version, false as changed from messages where conversation_id = c.id
        union all
        select version, true from messages where conversation_id = c.id and version > created_version
        union all
        select c.updated_version, true where c.updated_version > 1
        union all
        select version, false from membership_changes where conversation_id = c.id group by version) v) v
    where v.count <> v.versions or v.last <> c.version or (v.changes = 0 and v.count <> c.version)`.execute(db)
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
    select u.user_id, u.membership_version, v.count, v.own, v.last
    from users u, lateral (
      -- The same for the own part, of which only the last change is kept.
      select count(*), count(distinct version) as versions, coalesce(max(version), 0) as last,
        count(*) filter (where own) as own
      from (
        select membership_version as version, false as own from membership_changes
        where user_id = u.user_id and membership_version is not null
        union all
        select own_version, true from members where user_id = u.user_id and own_version is not null) v) v
    where v.count <> v.versions or v.last <> u.membership_version or (v.own = 0 and v.count <> u.membership_version)`.execute(
    db,
  )
  return [...sequences, ...versions, ...order, ...conversations, ...users]
}
