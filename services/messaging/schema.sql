create table messaging.block_changes (
  user_id uuid not null,
  blocked_id uuid not null,
  conversation_id uuid not null,
  changed_at timestamp with time zone not null,
  constraint block_changes_pkey PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX block_changes_by_time ON messaging.block_changes USING btree (changed_at);

create table messaging.blocks (
  user_id uuid not null,
  blocked_id uuid not null,
  conversation_id uuid not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  constraint blocks_pkey PRIMARY KEY (user_id, blocked_id),
  constraint blocks_check CHECK ((user_id <> blocked_id))
);
CREATE INDEX blocks_of_blocked ON messaging.blocks USING btree (blocked_id);
CREATE INDEX blocks_of_conversation ON messaging.blocks USING btree (conversation_id);

create table messaging.conversation_receipts (
  conversation_id uuid not null,
  raised_at timestamp with time zone not null,
  constraint conversation_receipts_pkey PRIMARY KEY (conversation_id)
);

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
  avatar_url text,
  history_visibility text not null default 'joined'::text,
  archived_at timestamp with time zone,
  updated_version bigint not null default 1,
  changed_minute timestamp with time zone not null default date_trunc('minute'::text, clock_timestamp()),
  message_days integer,
  file_days integer,
  first_kept_sequence bigint not null default 1,
  kept_from timestamp with time zone,
  files_kept_from timestamp with time zone,
  constraint conversations_pkey PRIMARY KEY (id),
  constraint conversations_file_days_check CHECK ((file_days > 0)),
  constraint conversations_history_visibility_check CHECK ((history_visibility = ANY (ARRAY['all'::text, 'joined'::text]))),
  constraint conversations_kind_check CHECK ((kind = ANY (ARRAY['direct'::text, 'group'::text, 'channel'::text]))),
  constraint conversations_message_days_check CHECK ((message_days > 0))
);
CREATE INDEX conversations_by_change ON messaging.conversations USING btree (changed_minute);
CREATE INDEX conversations_to_expire ON messaging.conversations USING btree (kind, COALESCE(kept_from, created_at), id) WHERE (message_days IS NULL);
CREATE INDEX conversations_with_files_to_expire ON messaging.conversations USING btree (kind, COALESCE(files_kept_from, created_at), id) WHERE ((file_days IS NULL) AND (message_days IS NULL));
CREATE INDEX conversations_with_own_retention ON messaging.conversations USING btree (id) WHERE ((message_days IS NOT NULL) OR (file_days IS NOT NULL));

create table messaging.erasures (
  user_id uuid not null,
  conversation_id uuid not null,
  version bigint not null,
  constraint erasures_pkey PRIMARY KEY (user_id, conversation_id)
);

create table messaging.held_messages (
  id uuid not null,
  conversation_id uuid not null,
  sequence bigint not null,
  sender_id uuid not null,
  created_at timestamp with time zone not null,
  content jsonb not null,
  upload_ids uuid[] not null,
  reason text not null,
  held_at timestamp with time zone not null default clock_timestamp(),
  constraint held_messages_pkey PRIMARY KEY (id),
  constraint held_messages_reason_check CHECK ((reason = ANY (ARRAY['expired'::text, 'deleted'::text, 'erased'::text])))
);
CREATE INDEX held_messages_of_conversation ON messaging.held_messages USING btree (conversation_id);
CREATE INDEX held_messages_of_sender ON messaging.held_messages USING btree (sender_id);

create table messaging.holds (
  id uuid not null,
  user_id uuid,
  conversation_id uuid,
  constraint holds_pkey PRIMARY KEY (id),
  constraint holds_check CHECK ((num_nonnulls(user_id, conversation_id) = 1))
);
CREATE INDEX holds_of_conversation ON messaging.holds USING btree (conversation_id) WHERE (conversation_id IS NOT NULL);
CREATE INDEX holds_of_user ON messaging.holds USING btree (user_id) WHERE (user_id IS NOT NULL);

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
  shown_read_sequence bigint not null default 0,
  raised_at timestamp with time zone,
  muted_until timestamp with time zone,
  own_version bigint,
  constraint members_pkey PRIMARY KEY (conversation_id, user_id),
  constraint members_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
  constraint members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text])))
);
CREATE INDEX members_in_order ON messaging.members USING btree (conversation_id, joined_version, user_id) WHERE (left_at IS NULL);
CREATE INDEX members_of_user ON messaging.members USING btree (user_id, conversation_id) WHERE (left_at IS NULL);
CREATE INDEX members_owners ON messaging.members USING btree (conversation_id) WHERE ((role = 'owner'::text) AND (left_at IS NULL));

create table messaging.membership_changes (
  conversation_id uuid not null,
  version bigint not null,
  user_id uuid not null,
  membership_version bigint,
  kind text not null,
  joined_version bigint not null,
  constraint membership_changes_user_id_membership_version_key UNIQUE (user_id, membership_version),
  constraint membership_changes_pkey PRIMARY KEY (conversation_id, version, user_id),
  constraint membership_changes_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id),
  constraint membership_changes_kind_check CHECK ((kind = ANY (ARRAY['joined'::text, 'left'::text, 'changed'::text])))
);

create table messaging.message_edits (
  message_id uuid not null,
  version bigint not null,
  text text not null,
  mentions uuid[] not null,
  replaced_at timestamp with time zone not null,
  constraint message_edits_pkey PRIMARY KEY (message_id, version)
) partition by RANGE (message_id);

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
  attachments jsonb not null default '[]'::jsonb,
  reactions jsonb not null default '[]'::jsonb,
  edited_at timestamp with time zone,
  deleted_at timestamp with time zone,
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

create table messaging.reactions (
  message_id uuid not null,
  emoji text not null,
  user_id uuid not null,
  reacted_at timestamp with time zone not null,
  constraint reactions_pkey PRIMARY KEY (message_id, emoji, user_id)
) partition by RANGE (message_id);

create table messaging.read_log (
  id uuid not null,
  conversation_id uuid not null,
  user_ids uuid[] not null,
  sequences bigint[] not null,
  constraint read_log_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX read_log_of_conversation ON ONLY messaging.read_log USING btree (conversation_id, id);

create table messaging.retention_rules (
  id boolean not null default true,
  revision bigint not null,
  rules jsonb not null,
  constraint retention_rules_pkey PRIMARY KEY (id),
  constraint retention_rules_id_check CHECK (id)
);

create table messaging.unread_mentions (
  user_id uuid not null,
  conversation_id uuid not null,
  sequence bigint not null,
  message_id uuid not null,
  constraint unread_mentions_pkey PRIMARY KEY (user_id, conversation_id, sequence)
);
CREATE INDEX unread_mentions_by_message ON messaging.unread_mentions USING btree (message_id);

create table messaging.users (
  user_id uuid not null,
  membership_version bigint not null,
  private_read boolean not null default false,
  changed_minute timestamp with time zone not null default date_trunc('minute'::text, clock_timestamp()),
  constraint users_pkey PRIMARY KEY (user_id)
);
CREATE INDEX users_by_change ON messaging.users USING btree (changed_minute);

CREATE OR REPLACE FUNCTION messaging.lowest_id_at(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE
AS $function$
      select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    $function$;

CREATE OR REPLACE FUNCTION messaging.mark_receipts(marks jsonb, told_members integer, gather_ms integer, gather_ms_per_member integer)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
    $function$;

CREATE OR REPLACE FUNCTION messaging.message_days(kind text, own integer)
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$
      -- As in src/domain/periods.ts.
      select coalesce(
        own, (rules -> kind ->> 'messageDays')::integer, (rules -> 'default' ->> 'messageDays')::integer, 365)
      from (select (select rules from retention_rules) as rules) known
    $function$;

CREATE OR REPLACE FUNCTION messaging.new_id_at(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
AS $function$
      select encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from moment) * 1000)::bigint) from 3) from 1 for 6),
        52, 1), 53, 1), 'hex')::uuid
    $function$;

CREATE OR REPLACE FUNCTION messaging.send_messages(sends jsonb, skip_busy boolean, lock_timeout_ms integer, asked_at timestamp with time zone)
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
    $function$;
