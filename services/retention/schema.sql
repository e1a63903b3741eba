create table retention.export_pages (
  job_id uuid not null,
  page integer not null,
  service text not null,
  kind text not null,
  object_id uuid not null,
  constraint export_pages_pkey PRIMARY KEY (job_id, service, kind, page),
  constraint export_pages_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE
);

create table retention.holds (
  id uuid not null,
  user_id uuid,
  conversation_id uuid,
  reason text not null,
  placed_by uuid not null,
  placed_at timestamp with time zone not null,
  released_by uuid,
  released_at timestamp with time zone,
  confirmed text,
  constraint holds_pkey PRIMARY KEY (id),
  constraint holds_check CHECK ((num_nonnulls(user_id, conversation_id) = 1)),
  constraint holds_check1 CHECK (((released_at IS NULL) = (released_by IS NULL))),
  constraint holds_confirmed_check CHECK ((confirmed = ANY (ARRAY['placed'::text, 'released'::text])))
);
CREATE INDEX holds_by_time ON retention.holds USING btree (placed_at, id);
CREATE INDEX holds_of_conversation ON retention.holds USING btree (conversation_id) WHERE (conversation_id IS NOT NULL);
CREATE INDEX holds_of_user ON retention.holds USING btree (user_id) WHERE (user_id IS NOT NULL);
CREATE INDEX holds_to_confirm ON retention.holds USING btree (id) WHERE (confirmed IS DISTINCT FROM
CASE
    WHEN (released_at IS NULL) THEN 'placed'::text
    ELSE 'released'::text
END);

create table retention.job_steps (
  job_id uuid not null,
  position integer not null,
  service text not null,
  state text not null default 'pending'::text,
  cursor text,
  counts jsonb not null default '{}'::jsonb,
  finished_at timestamp with time zone,
  constraint job_steps_pkey PRIMARY KEY (job_id, "position"),
  constraint job_steps_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint job_steps_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'waiting'::text, 'held'::text, 'done'::text])))
);

create table retention.jobs (
  id uuid not null,
  kind text not null,
  user_id uuid not null,
  requested_by uuid not null,
  requested_at timestamp with time zone not null,
  reason text,
  state text not null default 'pending'::text,
  finished_at timestamp with time zone,
  due_at timestamp with time zone not null default clock_timestamp(),
  waits integer not null default 0,
  size bigint,
  kept_until timestamp with time zone,
  zip_id uuid,
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_check CHECK (((kind = 'erasure'::text) = (reason IS NOT NULL))),
  constraint jobs_kind_check CHECK ((kind = ANY (ARRAY['erasure'::text, 'export'::text]))),
  constraint jobs_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'held'::text, 'done'::text, 'ready'::text, 'expired'::text])))
);
CREATE INDEX exports_of_user ON retention.jobs USING btree (user_id, requested_at) WHERE (kind = 'export'::text);
CREATE INDEX exports_to_expire ON retention.jobs USING btree (kept_until) WHERE (state = 'ready'::text);
CREATE INDEX jobs_due ON retention.jobs USING btree (kind, due_at) WHERE (state = ANY (ARRAY['pending'::text, 'running'::text, 'held'::text]));
CREATE UNIQUE INDEX erasures_of_user ON retention.jobs USING btree (user_id) WHERE (kind = 'erasure'::text);
CREATE UNIQUE INDEX exports_under_way ON retention.jobs USING btree (user_id) WHERE ((kind = 'export'::text) AND (state = ANY (ARRAY['pending'::text, 'running'::text])));

create table retention.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table retention.policies (
  scope text not null,
  conversation_id uuid,
  kind text,
  message_days integer,
  file_days integer,
  changed_by uuid not null,
  changed_at timestamp with time zone not null,
  confirmed boolean not null default false,
  constraint policies_pkey PRIMARY KEY (scope),
  constraint policies_check CHECK ((num_nonnulls(conversation_id, kind) <= 1)),
  constraint policies_kind_check CHECK ((kind = ANY (ARRAY['direct'::text, 'group'::text, 'channel'::text])))
);
CREATE INDEX policies_of_conversations ON retention.policies USING btree (conversation_id) WHERE (conversation_id IS NOT NULL);
CREATE INDEX policies_to_confirm ON retention.policies USING btree (scope) WHERE ((NOT confirmed) AND (conversation_id IS NOT NULL));

create table retention.requested_runs (
  kind text not null,
  requested_at timestamp with time zone not null,
  constraint requested_runs_pkey PRIMARY KEY (kind)
);

create table retention.rules (
  id boolean not null default true,
  revision bigint not null,
  default_days integer not null,
  confirmed_revision bigint not null default 0,
  constraint rules_pkey PRIMARY KEY (id),
  constraint rules_id_check CHECK (id)
);

create table retention.runs (
  id uuid not null,
  kind text not null,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  result text,
  months text[] not null default '{}'::text[],
  months_ahead integer,
  error_code text,
  counts jsonb not null default '{}'::jsonb,
  findings jsonb not null default '[]'::jsonb,
  constraint runs_pkey PRIMARY KEY (id),
  constraint ended_has_result CHECK (((ended_at IS NULL) = (result IS NULL))),
  constraint failed_has_error CHECK ((COALESCE((result = 'failed'::text), false) = (error_code IS NOT NULL))),
  constraint runs_kind_check CHECK ((kind = ANY (ARRAY['create-months'::text, 'expire'::text, 'drop-months'::text, 'verify'::text]))),
  constraint runs_result_check CHECK ((result = ANY (ARRAY['done'::text, 'busy'::text, 'remains'::text, 'failed'::text])))
);
CREATE INDEX runs_by_time ON retention.runs USING btree (started_at, id);
CREATE INDEX runs_done ON retention.runs USING btree (kind, ended_at) WHERE (result = 'done'::text);
CREATE UNIQUE INDEX runs_under_way ON retention.runs USING btree (kind) WHERE (ended_at IS NULL);
