create table presence.last_seen (
  user_id uuid not null,
  last_seen_at timestamp(3) with time zone not null,
  constraint last_seen_pkey PRIMARY KEY (user_id)
);

create table presence.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table presence.statuses (
  user_id uuid not null,
  status text not null,
  text text,
  until timestamp(3) with time zone,
  visible_to text not null,
  version bigint not null,
  constraint statuses_pkey PRIMARY KEY (user_id),
  constraint statuses_status_check CHECK ((status = ANY (ARRAY['online'::text, 'busy'::text, 'invisible'::text]))),
  constraint statuses_visible_to_check CHECK ((visible_to = ANY (ARRAY['everyone'::text, 'contacts'::text, 'nobody'::text])))
);
