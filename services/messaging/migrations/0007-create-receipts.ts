import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Who has read how far, and when: a row per conversation and write, with the users and their sequences side by side. Its id
  // is a UUIDv7 of that moment. Append-only; its months come and go with those of messages: see `src/store/months.ts`.
  await sql`
    create table read_log (
      id uuid primary key,
      conversation_id uuid not null,
      user_ids uuid[] not null,
      sequences bigint[] not null
    ) partition by range (id)`.execute(db)
  await sql`create index read_log_of_conversation on read_log (conversation_id, id)`.execute(db)

  // Its time has no index, and the page has room: a new row version touches nothing else.
  await sql`
    create table conversation_receipts (
      conversation_id uuid primary key,
      raised_at timestamptz not null
    ) with (fillfactor = 50)`.execute(db)

  await sql`
    create function new_id_at(moment timestamptz) returns uuid
    language sql volatile
    -- A random UUID is of version 4: with its time in front, two more bits make it one of version 7.
    as $function$
      select encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6),
        52, 1), 53, 1), 'hex')::uuid
    $function$`.execute(db)

  await createMarkReceipts(db)
}

/**
 * Raises the watermarks of many users in many conversations, in one call in autocommit.
 *
 * `marks` is an array of `{ userId, conversationId, deliveredSequence, readSequence, connectionId }`, where delivered is not
 * below read. No two are of the same user and conversation. Members are told live of conversations up to `told_members`, each
 * gathered for `gather_ms`, or for longer by `gather_ms_per_member`.
 *
 * Answers `{ outboxId, advances, outcomes }`: the advances as the outbox keeps them, and an outcome per mark in the order
 * given: `marked` with the kind and size of its conversation, `not_a_member`, or `busy` when somebody else holds this member.
 *
 * All that is written is raised, never lowered. A mark that raises nothing writes nothing, not even a lock.
 *
 * Members are locked first, by conversation and user, and nobody is waited for. No conversation is locked; the rows of
 * `conversation_receipts` come in the order of their ids, and whoever holds one waits for nothing but the next.
 */
async function createMarkReceipts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function mark_receipts(
      marks jsonb, told_members integer, gather_ms integer, gather_ms_per_member integer) returns jsonb
    language plpgsql
    -- As for send_messages: everything here is looked up by key.
    set enable_seqscan = off
    set enable_bitmapscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    as $function$
    declare
      locked bigint[];
      moment timestamptz;
      outbox_id bigint;
      advances jsonb;
      outcomes jsonb;
    begin
      locked := array(
        select mark.n
        from rows from (
          jsonb_to_recordset(marks) as (
            "conversationId" uuid, "userId" uuid, "deliveredSequence" bigint, "readSequence" bigint)
        ) with ordinality as mark (conversation_id, user_id, delivered, read, n)
        join members m on m.conversation_id = mark.conversation_id and m.user_id = mark.user_id
        join conversations c on c.id = mark.conversation_id
        left join users u on u.user_id = mark.user_id
        where m.left_at is null and (
          least(mark.delivered, c.last_sequence) > m.delivered_sequence
          or least(mark.read, c.last_sequence) > m.read_sequence
          or (least(mark.read, c.last_sequence) > m.shown_read_sequence and u.private_read is not true))
        order by m.conversation_id, m.user_id
        for no key update of m skip locked);

      -- From here on each statement sees what was committed before the locks were had.
      moment := date_trunc('milliseconds', clock_timestamp());

      with judged as materialized (
        select
          mark.n, mark.conversation_id, mark.user_id, mark.connection_id,
          c.kind, c.member_count,
          m.user_id is not null as is_member,
          m.delivered_sequence as delivered_before,
          m.read_sequence as read_before,
          m.shown_read_sequence as shown_before,
          greatest(m.delivered_sequence, least(mark.delivered, c.last_sequence)) as delivered,
          greatest(m.read_sequence, least(mark.read, c.last_sequence)) as read,
          case when u.private_read then m.shown_read_sequence
            else greatest(m.shown_read_sequence, least(mark.read, c.last_sequence)) end as shown
        from rows from (
          jsonb_to_recordset(marks) as (
            "conversationId" uuid, "userId" uuid, "deliveredSequence" bigint, "readSequence" bigint, "connectionId" text)
        ) with ordinality as mark (conversation_id, user_id, delivered, read, connection_id, n)
        left join lateral (
          select user_id, delivered_sequence, read_sequence, shown_read_sequence from members
          where conversation_id = mark.conversation_id and user_id = mark.user_id and left_at is null limit 1
        ) m on true
        left join lateral (
          select kind, member_count, last_sequence from conversations where id = mark.conversation_id limit 1
        ) c on true
        left join lateral (
          select private_read from users where user_id = mark.user_id limit 1
        ) u on true
      ),
      weighed as materialized (
        select
          judged.*,
          is_member and (delivered > delivered_before or read > read_before or shown > shown_before) as is_rising,
          n = any(locked) as is_locked,
          -- As in src/domain/capabilities.ts.
          kind <> 'channel' and member_count <= told_members as is_told
        from judged
      ),
      raising as materialized (
        select * from weighed where is_rising and is_locked
      ),
      raised as (
        update members m
        set delivered_sequence = raising.delivered,
          read_sequence = raising.read,
          shown_read_sequence = raising.shown,
          raised_at = moment
        from raising
        where m.conversation_id = raising.conversation_id and m.user_id = raising.user_id
      ),
      dated as (
        insert into conversation_receipts as known (conversation_id, raised_at)
        select distinct conversation_id, moment from raising order by conversation_id
        on conflict (conversation_id) do update set raised_at = greatest(known.raised_at, excluded.raised_at)
      ),
      logged as (
        insert into read_log (id, conversation_id, user_ids, sequences)
        select
          new_id_at(moment), conversation_id, array_agg(user_id order by user_id), array_agg(shown order by user_id)
        from raising where is_told and shown > shown_before group by conversation_id
      ),
      -- Whoever holds one is about to remove it.
      unread as materialized (
        select mention.user_id, mention.conversation_id, mention.sequence
        from raising
        join unread_mentions mention on mention.user_id = raising.user_id
          and mention.conversation_id = raising.conversation_id and mention.sequence <= raising.read
        for update of mention skip locked
      ),
      removed as (
        delete from unread_mentions mention using unread
        where mention.user_id = unread.user_id and mention.conversation_id = unread.conversation_id
          and mention.sequence = unread.sequence
      ),
      advanced as materialized (
        select
          conversation_id,
          jsonb_build_object(
            'kind', 'receipts-advanced',
            'conversationId', conversation_id,
            'gatherMs', case
              when kind = 'direct' then 0
              when is_told then greatest(gather_ms, member_count * gather_ms_per_member) end,
            'shown', coalesce(
              jsonb_agg(jsonb_build_object('userId', user_id, 'deliveredSequence', delivered, 'readSequence', shown))
                filter (where delivered > delivered_before or shown > shown_before),
              '[]'),
            'own', coalesce(
              jsonb_agg(jsonb_build_object(
                'userId', user_id,
                'deliveredSequence', greatest(delivered, read),
                'readSequence', read,
                'connectionId', connection_id))
                -- Sending has raised the one but not the other.
                filter (where read > read_before or delivered > greatest(delivered_before, read_before)),
              '[]')) as advance
        from raising group by conversation_id, kind, member_count, is_told
      ),
      told as (
        insert into outbox (events)
        select jsonb_agg(advance order by conversation_id) from advanced having count(*) > 0
        returning id, events
      )
      select
        (select id from told),
        (select events from told),
        (select jsonb_agg(
            case
              when not is_member then jsonb_build_object('outcome', 'not_a_member')
              when is_rising and not is_locked then jsonb_build_object('outcome', 'busy')
              else jsonb_build_object('outcome', 'marked', 'kind', kind, 'memberCount', member_count)
            end
            order by n)
          from weighed)
      into outbox_id, advances, outcomes;

      return jsonb_build_object('outboxId', outbox_id, 'advances', advances, 'outcomes', outcomes);
    end
    $function$`.execute(db)
}
