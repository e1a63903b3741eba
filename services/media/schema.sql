create table media.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table media.uploads (
  id uuid not null,
  conversation_id uuid not null,
  uploaded_by uuid not null,
  name text not null,
  type text not null,
  size bigint not null,
  state text not null default 'pending'::text,
  checked_etag text,
  rejected_reason text,
  created_at timestamp with time zone not null default clock_timestamp(),
  settled_at timestamp with time zone,
  message_id uuid,
  attempts uuid[] not null default '{}'::uuid[],
  constraint uploads_pkey PRIMARY KEY (id),
  constraint attempts_have_message CHECK (((message_id IS NOT NULL) OR (attempts = '{}'::uuid[]))),
  constraint checked_is_known CHECK (((state = 'pending'::text) = (checked_etag IS NULL))),
  constraint rejected_has_reason CHECK (((state = 'rejected'::text) = (rejected_reason IS NOT NULL))),
  constraint settled_has_time CHECK (((state = ANY (ARRAY['ready'::text, 'rejected'::text])) = (settled_at IS NOT NULL))),
  constraint uploads_size_check CHECK ((size > 0)),
  constraint uploads_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'checking'::text, 'ready'::text, 'rejected'::text])))
);
CREATE INDEX uploads_of_message ON media.uploads USING btree (message_id) WHERE (message_id IS NOT NULL);
