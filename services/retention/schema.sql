create table retention.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
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
  constraint runs_pkey PRIMARY KEY (id),
  constraint ended_has_result CHECK (((ended_at IS NULL) = (result IS NULL))),
  constraint failed_has_error CHECK ((COALESCE((result = 'failed'::text), false) = (error_code IS NOT NULL))),
  constraint runs_kind_check CHECK ((kind = ANY (ARRAY['create-months'::text, 'drop-months'::text]))),
  constraint runs_result_check CHECK ((result = ANY (ARRAY['done'::text, 'busy'::text, 'failed'::text])))
);
CREATE INDEX runs_done ON retention.runs USING btree (kind, ended_at) WHERE (result = 'done'::text);
CREATE UNIQUE INDEX runs_under_way ON retention.runs USING btree (kind) WHERE (ended_at IS NULL);
