import { sql, type RawBuilder } from 'kysely'
import { monthNamed } from '../domain/month.ts'
import type { Db } from './tables.ts'

/** Something that was looked at; `what` it is if it should be gone. */
export interface LookedAt {
  /** In the order in which these are gone through. */
  readonly place: readonly string[]
  /** Null: nothing was there, only the place is reached. */
  readonly id: string | null
  readonly what: string | null
}

export interface Looking {
  readonly now: Date
  /** Messages for which only the default rule holds go with their month alone. */
  readonly leaveDefaultToMonths: boolean
  readonly erasedUserIds: readonly string[]
  /** The last that was looked at. */
  readonly after: readonly string[] | null
  readonly limit: number
}

type Look = (db: Db, looking: Looking) => Promise<readonly LookedAt[]>

/** What has expired is gone so much later. */
const SLACK_HOURS = 24
/** A month may fill for so long after its end. */
const FILLS_HOURS = 48
/** And what goes with its month, at the longest so much after its own time. */
const MONTH_HOURS = 24 * 31 + FILLS_HOURS

const nobody = '00000000-0000-0000-0000-000000000000'

export const remainingMessages: Look = (db, looking) => {
  const { after, limit, erasedUserIds } = looking
  return read(
    db,
    sql`
      select array[page.id::text] as place, page.id, case
        when page.created_at <= ${goneBefore(looking)} then 'an expired message'
        when sender_id = any(${erasedUserIds}::uuid[])
          and (deleted_at is null or text <> '' or attachments <> '[]') then 'a message of an erased user'
        when reactions <> '[]'
          and jsonb_path_query_array(reactions, '$[*].userIds[*]') ?| ${erasedUserIds}::text[]
          then 'a message that names an erased user for a reaction'
      end as what
      from (select * from messages where id > ${after?.[0] ?? nobody} order by id limit ${limit}) page
      join conversations c on c.id = page.conversation_id
      order by page.id`,
  )
}

export const remainingEdits: Look = (db, { after, limit }) =>
  read(
    db,
    sql`
      select array[page.message_id::text, page.version::text] as place, page.message_id as id, case
        when m.id is null then 'an edit without message'
        when m.deleted_at is not null then 'an edit of a deleted message'
      end as what
      from (
        select message_id, version from message_edits
        where (message_id, version) > (${after?.[0] ?? nobody}::uuid, ${after?.[1] ?? '0'}::bigint)
        order by message_id, version limit ${limit}
      ) page
      left join messages m on m.id = page.message_id
      order by page.message_id, page.version`,
  )

export const remainingReactions: Look = (db, { after, limit, erasedUserIds }) =>
  read(
    db,
    sql`
      select array[page.message_id::text, page.emoji, page.user_id::text] as place, page.message_id as id, case
        when m.id is null then 'a reaction without message'
        when m.deleted_at is not null then 'a reaction to a deleted message'
        when page.user_id = any(${erasedUserIds}::uuid[]) then 'a reaction of an erased user'
      end as what
      from (
        select message_id, emoji, user_id from reactions
        where (message_id, emoji, user_id) > (${after?.[0] ?? nobody}::uuid, ${after?.[1] ?? ''}, ${after?.[2] ?? nobody}::uuid)
        order by message_id, emoji, user_id limit ${limit}
      ) page
      left join messages m on m.id = page.message_id
      order by page.message_id, page.emoji, page.user_id`,
  )

export const remainingReads: Look = (db, looking) =>
  read(
    db,
    sql`
      select array[page.id::text] as place, page.id,
        case when page.id < lowest_id_at(${goneBefore(looking)}) then 'an expired part of the read log' end as what
      from (
        select id, conversation_id from read_log
        where id > ${looking.after?.[0] ?? nobody} order by id limit ${looking.limit}
      ) page
      join conversations c on c.id = page.conversation_id
      order by page.id`,
  )

export const remainingMentions: Look = (db, { after, limit }) =>
  read(
    db,
    sql`
      select array[page.user_id::text, page.conversation_id::text, page.sequence::text] as place, page.message_id as id,
        case
          when m.id is null then 'an unread mention without message'
          when m.deleted_at is not null then 'an unread mention in a deleted message'
        end as what
      from (
        select * from unread_mentions
        where (user_id, conversation_id, sequence)
          > (${after?.[0] ?? nobody}::uuid, ${after?.[1] ?? nobody}::uuid, ${after?.[2] ?? '0'}::bigint)
        order by user_id, conversation_id, sequence limit ${limit}
      ) page
      left join messages m on m.id = page.message_id
      order by page.user_id, page.conversation_id, page.sequence`,
  )

export const remainingHeld: Look = (db, { after, limit }) =>
  read(
    db,
    sql`
      select array[page.id::text] as place, page.id, case
        when page.held_at < clock_timestamp() - interval '1 hour' * ${SLACK_HOURS} and not exists (
          select from holds h where h.user_id = page.sender_id or h.conversation_id = page.conversation_id
        ) then 'a held message that no hold covers'
      end as what
      from (select * from held_messages where id > ${after?.[0] ?? nobody} order by id limit ${limit}) page
      order by page.id`,
  )

/** Their name, their end and the longest period tell: in a month that is over for so long, everything has expired. */
export const remainingMonths: Look = async (db, { now, after, limit }) => {
  const { rows } = await sql<{ name: string; longestDays: number }>`
    select tables.relname::text as name, (
      select greatest(
        (select max(message_days) from conversations),
        (select max((period.value ->> 'messageDays')::int) from retention_rules, jsonb_each(rules) period
          where jsonb_typeof(period.value) = 'object'),
        case when not exists (select from retention_rules) then 365 end)
    ) as longest_days
    from pg_class tables
    where tables.relnamespace = current_schema()::regnamespace and tables.relkind = 'r'
      and tables.relname ~ '^(messages|message_edits|reactions|read_log)_[0-9]{4}_[0-9]{2}$'
      and tables.relname::text collate "C" > ${after?.[0] ?? ''}
    order by tables.relname::text collate "C" limit ${limit}`.execute(db)
  return rows.map(({ name, longestDays }) => {
    const month = monthNamed(name.slice(-'2026_11'.length))
    const goneAfterMs = (24 * longestDays + FILLS_HOURS + SLACK_HOURS) * 3_600_000
    const isOver = month !== undefined && month.endsAt.getTime() + goneAfterMs < now.getTime()
    return { place: [name], id: name, what: isOver ? 'a month of which nothing is kept' : null }
  })
}

export const remainingMemberships: Look = (db, { after, limit, erasedUserIds }) =>
  read(
    db,
    sql`
      select array[m.user_id::text, m.conversation_id::text] as place, m.user_id || ' in ' || m.conversation_id as id,
        case when c.kind <> 'direct' then 'a membership of an erased user' end as what
      from members m
      join conversations c on c.id = m.conversation_id
      where m.user_id = any(${erasedUserIds}::uuid[]) and m.left_at is null
        and (m.user_id, m.conversation_id) > (${after?.[0] ?? nobody}::uuid, ${after?.[1] ?? nobody}::uuid)
      order by m.user_id, m.conversation_id limit ${limit}`,
  )

export const remainingBlocks: Look = (db, { after, limit, erasedUserIds }) =>
  read(
    db,
    sql`
      select array[user_id::text, blocked_id::text] as place, user_id || ' of ' || blocked_id as id,
        'a block with an erased user' as what
      from blocks
      where (user_id = any(${erasedUserIds}::uuid[]) or blocked_id = any(${erasedUserIds}::uuid[]))
        and (user_id, blocked_id) > (${after?.[0] ?? nobody}::uuid, ${after?.[1] ?? nobody}::uuid)
      order by user_id, blocked_id limit ${limit}`,
  )

export const remainingOutbox: Look = (db, { after, limit }) =>
  read(
    db,
    sql`
      select array[id::text] as place, id::text,
        case when created_at < clock_timestamp() - interval '1 hour' then 'something untold for an hour' end as what
      from outbox where id > ${after?.[0] ?? '0'}::bigint order by id limit ${limit}`,
  )

/** Conversations of which one of these users is or was a member, by id. */
export async function conversationsOf(db: Db, { after, limit, erasedUserIds }: Looking): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct conversation_id as id from membership_changes
    where user_id = any(${erasedUserIds}::uuid[]) and conversation_id >= ${after?.[0] ?? nobody}
    order by conversation_id limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** For the conversation `c`: what is from before then has been gone for long enough. */
const goneBefore = ({ now, leaveDefaultToMonths }: Looking): RawBuilder<Date> => sql<Date>`(
  select ${now}::timestamptz - interval '1 hour' * (24 * coalesce(own, general, 365) + ${SLACK_HOURS}
    + case when own is null and ${leaveDefaultToMonths} then ${MONTH_HOURS} else 0 end)
  from (select
    coalesce(c.message_days, (select (rules -> c.kind ->> 'messageDays')::int from retention_rules)) as own,
    (select (rules -> 'default' ->> 'messageDays')::int from retention_rules) as general) days)`

async function read(db: Db, query: RawBuilder<unknown>): Promise<readonly LookedAt[]> {
  return ((await query.execute(db)) as { rows: LookedAt[] }).rows
}
