import { sql, type Kysely } from 'kysely'

/**
 * One group of sends, written in one call in autocommit: no process holds a lock between round trips.
 *
 * `sends` is an array of `{ id, conversationId, senderId, text, attachments, replyTo, mentions, contentHash }`. No two have the
 * same id, and none replies to another. Conversations that somebody else holds are skipped as `busy` with `skip_busy`, else waited for; no
 * lock is waited for longer than `lock_timeout_ms`. What has expired is judged by the rules, at the time `asked_at`.
 *
 * The fourth form of it: nothing replies to what has expired by the conversation's own period. Instances that are not new yet
 * name an earlier time, and accept more.
 *
 * Answers `{ outboxId, serverTime, outcomes }`, one outcome per send in the order given: `accepted` with its place, `duplicate`,
 * `busy`, or the code of a refusal. Ids that another transaction stored meanwhile raise `messages_id_taken`, and nothing is
 * written.
 *
 * Locks are had in the order that holds everywhere: conversations by id, then members by conversation and user. Inserts of the
 * same id, which wait for each other too, come in the order of ids.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function message_days(kind text, own integer) returns integer
    language sql stable
    as $function$
      -- As in src/domain/periods.ts.
      select coalesce(
        own, (rules -> kind ->> 'messageDays')::integer, (rules -> 'default' ->> 'messageDays')::integer, 365)
      from (select (select rules from retention_rules) as rules) known
    $function$`.execute(db)
  await sql`drop function send_messages(jsonb, boolean, integer, timestamptz)`.execute(db)
  await sql`
    create function send_messages(
      sends jsonb, skip_busy boolean, lock_timeout_ms integer, asked_at timestamptz) returns jsonb
    language plpgsql
    -- Everything here is looked up by key. A plan from the time when the tables were small must not outlive it.
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    as $function$
    declare
      asked uuid[] := array(
        select distinct (send ->> 'conversationId')::uuid from jsonb_array_elements(sends) send);
      locked uuid[];
      moment timestamptz;
      earliest uuid;
      too_late uuid;
      outbox_id bigint;
      outcomes jsonb;
      taken uuid[];
    begin
      perform set_config('lock_timeout', lock_timeout_ms::text, true);
      if skip_busy then
        locked := array(
          select id from conversations where id = any(asked) order by id for no key update skip locked);
      else
        locked := array(
          select id from conversations where id = any(asked) order by id for no key update);
      end if;

      -- From here on each statement sees what was committed before the locks were had.
      moment := date_trunc('milliseconds', clock_timestamp());
      earliest := lowest_id_at(moment - interval '24 hours');
      too_late := lowest_id_at(moment + interval '2 minutes 1 millisecond');

      with judged as (
        select
          send.*,
          decode(send.hash, 'hex') as content_hash,
          conversation.version as last_version,
          conversation.last_sequence,
          greatest(moment, conversation.last_message_at, conversation.created_at) as created_at,
          case
            -- NULL <> all (an empty array) is true, and a conversation that is not there is not busy.
            when conversation.id is not null and conversation.id <> all(locked) then 'busy'
            when stored.sender_id is not null then
              case
                when (stored.sender_id, stored.conversation_id, stored.content_hash)
                  = (send.sender_id, send.conversation_id, decode(send.hash, 'hex')) then 'duplicate'
                else 'message_id_conflict'
              end
            when send.id < earliest or send.id >= too_late then 'message_id_out_of_range'
            when sender.visible_from_sequence is null then 'not_a_member'
            when conversation.archived_at is not null then 'conversation_archived'
            when conversation.kind = 'direct' and exists (
              select from blocks where conversation_id = send.conversation_id limit 1) then 'direct_blocked'
            -- As in src/domain/permissions.ts.
            when conversation.kind = 'channel' and sender.role = 'member' then 'forbidden'
            when send.reply_to is not null and (
              quoted.conversation_id is distinct from send.conversation_id
              or quoted.sequence < greatest(sender.visible_from_sequence, conversation.first_kept_sequence)
              or quoted.created_at
                <= asked_at - message_days(conversation.kind, conversation.message_days) * interval '24 hours') then 'reply_not_found'
            when exists (
              select from unnest(send.mentions) mentioned
              where not exists (
                select from members m
                where m.conversation_id = send.conversation_id and m.user_id = mentioned and m.left_at is null limit 1)
              ) then 'mention_not_a_member'
            else 'accepted'
          end as outcome
        from rows from (
          jsonb_to_recordset(sends) as (
            id uuid, "conversationId" uuid, "senderId" uuid, text text, attachments jsonb, "replyTo" uuid, mentions uuid[],
            "contentHash" text)
        ) with ordinality as send (id, conversation_id, sender_id, text, attachments, reply_to, mentions, hash, n)
        left join lateral (
          select sender_id, conversation_id, content_hash from messages where id = send.id limit 1
        ) stored on true
        left join lateral (
          select
            id, kind, archived_at, version, last_sequence, last_message_at, created_at, message_days, first_kept_sequence
          from conversations where id = send.conversation_id limit 1
        ) conversation on true
        left join lateral (
          select role, visible_from_sequence from members
          where conversation_id = send.conversation_id and user_id = send.sender_id and left_at is null limit 1
        ) sender on true
        left join lateral (
          select conversation_id, sequence, created_at from messages where id = send.reply_to limit 1
        ) quoted on true
      ),
      numbered as materialized (
        select
          judged.*,
          last_sequence + row_number() over place as sequence,
          last_version + row_number() over place as version
        from judged
        window place as (partition by conversation_id, outcome order by n)
      ),
      accepted as materialized (
        select * from numbered where outcome = 'accepted'
      ),
      raised as (
        update conversations c
        set version = last.version,
          last_sequence = last.sequence,
          last_message_id = last.id,
          last_message_at = last.created_at,
          changed_minute = date_trunc('minute', moment)
        from (
          select distinct on (conversation_id) conversation_id, version, sequence, id, created_at
          from accepted order by conversation_id, n desc) last
        where c.id = last.conversation_id
      ),
      senders as materialized (
        select m.conversation_id, m.user_id, last.sequence
        from (select conversation_id, sender_id, max(sequence) as sequence from accepted group by 1, 2) last
        join members m on m.conversation_id = last.conversation_id and m.user_id = last.sender_id
        order by m.conversation_id, m.user_id
        for no key update of m
      ),
      -- Sending implies having read, which nobody else is told.
      read as (
        update members m
        set read_sequence = greatest(m.read_sequence, senders.sequence)
        from senders
        where m.conversation_id = senders.conversation_id and m.user_id = senders.user_id
      ),
      seen as (
        delete from unread_mentions u using senders
        where u.user_id = senders.user_id and u.conversation_id = senders.conversation_id
          and u.sequence <= senders.sequence
      ),
      mentioned as (
        insert into unread_mentions (user_id, conversation_id, sequence, message_id)
        select mentioned, conversation_id, sequence, id
        from accepted cross join unnest(mentions) mentioned
        where mentioned <> sender_id
        on conflict do nothing
      ),
      inserted as (
        insert into messages (
          id, conversation_id, sequence, created_version, version, sender_id, text, attachments, reply_to, mentions,
          content_hash, created_at)
        select
          id, conversation_id, sequence, version, version, sender_id, text, attachments, reply_to, mentions,
          content_hash, created_at
        from accepted order by id
        on conflict (id) do nothing
        returning id
      ),
      told as (
        insert into outbox (events)
        select jsonb_build_array(jsonb_build_object('kind', 'messages-created', 'ids', jsonb_agg(id order by n)))
        from accepted having count(*) > 0
        returning id
      )
      select
        (select id from told),
        (select jsonb_agg(
            case when outcome = 'accepted' then jsonb_build_object(
              'outcome', outcome,
              'sequence', sequence,
              'version', version,
              'createdAt', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            else jsonb_build_object('outcome', outcome) end
            order by n)
          from numbered),
        array(select id from accepted except select id from inserted)
      into outbox_id, outcomes, taken;

      if cardinality(taken) > 0 then
        raise exception 'message ids are taken' using
          errcode = 'unique_violation', constraint = 'messages_id_taken', detail = array_to_string(taken, ',');
      end if;
      return jsonb_build_object(
        'outboxId', outbox_id,
        'serverTime', to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'outcomes', outcomes);
    end
    $function$`.execute(db)
}
