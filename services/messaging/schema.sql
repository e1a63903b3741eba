create table messaging.conversations (
  id uuid not null,
  kind text not null,
  title text,
  created_by uuid not null,
  created_at timestamp with time zone not null,
  creation_hash bytea not null,
  version bigint not null,
  last_sequence bigint not null,
  last_message_id uuid,
  last_message_at timestamp with time zone,
  member_count integer not null,
  constraint conversations_pkey PRIMARY KEY (id),
  constraint conversations_kind_check CHECK ((kind = ANY (ARRAY['direct'::text, 'group'::text])))
);

create table messaging.members (
  conversation_id uuid not null,
  user_id uuid not null,
  role text not null,
  joined_at timestamp with time zone not null,
  joined_version bigint not null,
  joined_sequence bigint not null,
  visible_from_sequence bigint not null,
  left_at timestamp with time zone,
  left_version bigint,
  left_sequence bigint,
  delivered_sequence bigint not null,
  read_sequence bigint not null,
  constraint members_pkey PRIMARY KEY (conversation_id, user_id),
  constraint members_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
  constraint members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text])))
);
CREATE INDEX members_of_user ON messaging.members USING btree (user_id, conversation_id) WHERE (left_at IS NULL);

create table messaging.membership_changes (
  conversation_id uuid not null,
  version bigint not null,
  user_id uuid not null,
  membership_version bigint not null,
  kind text not null,
  joined_version bigint not null,
  constraint membership_changes_user_id_membership_version_key UNIQUE (user_id, membership_version),
  constraint membership_changes_pkey PRIMARY KEY (conversation_id, version, user_id),
  constraint membership_changes_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
  constraint membership_changes_kind_check CHECK ((kind = ANY (ARRAY['joined'::text, 'left'::text])))
);

create table messaging.messages (
  id uuid not null,
  conversation_id uuid not null,
  sequence bigint not null,
  created_version bigint not null,
  version bigint not null,
  sender_id uuid not null,
  text text not null,
  reply_to uuid,
  mentions uuid[] not null,
  content_hash bytea not null,
  created_at timestamp with time zone not null,
  constraint messages_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX messages_by_sequence ON ONLY messaging.messages USING btree (conversation_id, sequence);
CREATE INDEX messages_by_version ON ONLY messaging.messages USING btree (conversation_id, version);

create table messaging.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table messaging.users (
  user_id uuid not null,
  membership_version bigint not null,
  constraint users_pkey PRIMARY KEY (user_id)
);

CREATE OR REPLACE FUNCTION messaging.lowest_id_at(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
      select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    $function$;

CREATE OR REPLACE FUNCTION messaging.send_messages(sends jsonb, skip_busy boolean, lock_timeout_ms integer, kept_since timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
            when send.reply_to is not null and (
              quoted.conversation_id is distinct from send.conversation_id
              or quoted.sequence < sender.visible_from_sequence
              or quoted.created_at <= kept_since) then 'reply_not_found'
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
            id uuid, "conversationId" uuid, "senderId" uuid, text text, "replyTo" uuid, mentions uuid[], "contentHash" text)
        ) with ordinality as send (id, conversation_id, sender_id, text, reply_to, mentions, hash, n)
        left join lateral (
          select sender_id, conversation_id, content_hash from messages where id = send.id limit 1
        ) stored on true
        left join lateral (
          select id, version, last_sequence, last_message_at, created_at
          from conversations where id = send.conversation_id limit 1
        ) conversation on true
        left join lateral (
          select visible_from_sequence from members
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
          last_message_at = last.created_at
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
      -- Sending implies having read.
      read as (
        update members m
        set delivered_sequence = greatest(m.delivered_sequence, senders.sequence),
          read_sequence = greatest(m.read_sequence, senders.sequence)
        from senders
        where m.conversation_id = senders.conversation_id and m.user_id = senders.user_id
      ),
      inserted as (
        insert into messages (
          id, conversation_id, sequence, created_version, version, sender_id, text, reply_to, mentions, content_hash, created_at)
        select
          id, conversation_id, sequence, version, version, sender_id, text, reply_to, mentions, content_hash, created_at
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
    $function$;
