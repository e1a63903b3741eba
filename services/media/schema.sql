create table media.erased_users (
  user_id uuid not null,
  erased_at timestamp with time zone not null default clock_timestamp(),
  constraint erased_users_pkey PRIMARY KEY (user_id)
);

create table media.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table media.reconciliations (
  id uuid not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  heard_at timestamp with time zone not null default clock_timestamp(),
  finished_at timestamp with time zone,
  outcome text not null default 'running'::text,
  objects bigint not null default 0,
  uploads bigint not null default 0,
  unknown_objects bigint not null default 0,
  removed_objects bigint not null default 0,
  missing_objects bigint not null default 0,
  missing_upload_ids uuid[] not null default '{}'::uuid[],
  constraint reconciliations_pkey PRIMARY KEY (id),
  constraint reconciliations_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'finished'::text, 'failed'::text, 'too_many_unknown'::text])))
);
CREATE INDEX reconciliations_by_time ON media.reconciliations USING btree (started_at);

create table media.uploads (
  id uuid not null,
  conversation_id uuid,
  uploaded_by uuid,
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
  width integer,
  height integer,
  blurhash text,
  duration_ms bigint,
  pages integer,
  multipart_id text,
  part_bytes bigint,
  check_attempts integer not null default 0,
  check_at timestamp with time zone,
  avatar_of text,
  used_at timestamp with time zone,
  verified_at timestamp with time zone,
  deleted_at timestamp with time zone,
  remove_at timestamp with time zone,
  removal_held_until timestamp with time zone,
  removed_at timestamp with time zone,
  missing_since timestamp with time zone,
  constraint uploads_pkey PRIMARY KEY (id),
  constraint attempts_have_message CHECK (((message_id IS NOT NULL) OR (attempts = '{}'::uuid[]))),
  constraint avatar_has_no_conversation CHECK (((avatar_of IS NULL) OR (conversation_id IS NULL))),
  constraint checked_is_known CHECK (((state <> ALL (ARRAY['checking'::text, 'ready'::text, 'rejected'::text])) OR (checked_etag IS NOT NULL))),
  constraint deleted_has_time CHECK (((state = 'deleted'::text) = (deleted_at IS NOT NULL))),
  constraint rejected_has_reason CHECK (((state <> 'rejected'::text) OR (rejected_reason IS NOT NULL))),
  constraint settled_has_time CHECK (((state <> ALL (ARRAY['ready'::text, 'rejected'::text])) OR (settled_at IS NOT NULL))),
  constraint uploader_is_known CHECK (((uploaded_by IS NOT NULL) OR (avatar_of ~~ 'conversation:%'::text))),
  constraint uploads_size_check CHECK ((size > 0)),
  constraint uploads_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'checking'::text, 'ready'::text, 'rejected'::text, 'deleted'::text])))
);
CREATE INDEX avatars_of_owner ON media.uploads USING btree (avatar_of) WHERE (avatar_of IS NOT NULL);
CREATE INDEX checks_due ON media.uploads USING btree (check_at) WHERE (state = 'checking'::text);
CREATE INDEX live_uploads_of_user ON media.uploads USING btree (uploaded_by, id) WHERE (state <> 'deleted'::text);
CREATE INDEX uploads_by_removal ON media.uploads USING btree (removed_at) WHERE (state = 'deleted'::text);
CREATE INDEX uploads_of_message ON media.uploads USING btree (message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX uploads_of_user ON media.uploads USING btree (uploaded_by, created_at);
CREATE INDEX uploads_ready ON media.uploads USING btree (date_trunc('month'::text, (created_at AT TIME ZONE 'UTC'::text)), id) WHERE (state = 'ready'::text);
CREATE INDEX uploads_to_forget ON media.uploads USING btree (created_at) WHERE ((state = 'deleted'::text) AND (removed_at IS NOT NULL) AND ((message_id IS NOT NULL) OR (avatar_of IS NOT NULL)));
CREATE INDEX uploads_to_remove ON media.uploads USING btree (remove_at) WHERE ((state = ANY (ARRAY['deleted'::text, 'rejected'::text])) AND (removed_at IS NULL));
CREATE INDEX uploads_to_verify ON media.uploads USING btree (used_at) WHERE ((verified_at IS NULL) AND (state = 'ready'::text));
CREATE INDEX uploads_unused ON media.uploads USING btree (created_at) WHERE ((message_id IS NULL) AND (avatar_of IS NULL) AND (state <> 'deleted'::text));
