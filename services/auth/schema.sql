create table auth.audit_entries (
  id bigint generated always as identity not null,
  at timestamp(3) with time zone not null default clock_timestamp(),
  action text not null,
  actor_id uuid,
  user_id uuid,
  details jsonb not null,
  once_as text,
  constraint audit_entries_once_as UNIQUE (once_as),
  constraint audit_entries_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_entries_action ON auth.audit_entries USING btree (action, id);
CREATE INDEX audit_entries_actor_id ON auth.audit_entries USING btree (actor_id, id) WHERE (actor_id IS NOT NULL);
CREATE INDEX audit_entries_user_id ON auth.audit_entries USING btree (user_id, id) WHERE (user_id IS NOT NULL);
CREATE TRIGGER audit_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON auth.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table auth.identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  constraint identities_pkey PRIMARY KEY (issuer, subject),
  constraint identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE INDEX identities_user_id ON auth.identities USING btree (user_id);

create table auth.later_beginnings (
  beginning text not null,
  user_id uuid not null,
  constraint later_beginnings_pkey PRIMARY KEY (beginning, user_id),
  constraint later_beginnings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE INDEX later_beginnings_user_id ON auth.later_beginnings USING btree (user_id);

create table auth.oauth_artifacts (
  type text not null,
  id text not null,
  payload jsonb not null,
  expires_at timestamp with time zone,
  consumed_at timestamp with time zone,
  grant_id text,
  uid text,
  user_code text,
  constraint oauth_artifacts_pkey PRIMARY KEY (type, id)
);
CREATE INDEX oauth_artifacts_account_id ON auth.oauth_artifacts USING btree (((payload ->> 'accountId'::text)));
CREATE INDEX oauth_artifacts_expires_at ON auth.oauth_artifacts USING btree (expires_at);
CREATE INDEX oauth_artifacts_grant_id ON auth.oauth_artifacts USING btree (grant_id) WHERE (grant_id IS NOT NULL);
CREATE INDEX oauth_artifacts_grants_of_browser ON auth.oauth_artifacts USING gin (jsonb_path_query_array(payload, '$."authorizations".*."grantId"'::jsonpath)) WHERE (type = 'Session'::text);
CREATE INDEX oauth_artifacts_uid ON auth.oauth_artifacts USING btree (uid) WHERE (uid IS NOT NULL);
CREATE INDEX oauth_artifacts_user_code ON auth.oauth_artifacts USING btree (user_code) WHERE (user_code IS NOT NULL);

create table auth.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table auth.revocation_counter (
  id boolean not null default true,
  position bigint not null,
  constraint revocation_counter_pkey PRIMARY KEY (id),
  constraint revocation_counter_one_row CHECK (id)
);

create table auth.revocations (
  position bigint not null,
  user_id uuid not null,
  session_id text,
  token_id text,
  at timestamp(3) with time zone not null,
  forgotten_at timestamp(3) with time zone not null,
  constraint revocations_pkey PRIMARY KEY ("position"),
  constraint revocations_one_thing CHECK (((session_id IS NULL) OR (token_id IS NULL)))
);
CREATE INDEX revocations_forgotten_at ON auth.revocations USING btree (forgotten_at);
CREATE INDEX revocations_session_id ON auth.revocations USING btree (session_id) WHERE (session_id IS NOT NULL);
CREATE UNIQUE INDEX revocations_token_id ON auth.revocations USING btree (token_id) WHERE (token_id IS NOT NULL);

create table auth.sessions (
  id text not null,
  user_id uuid not null,
  client text not null,
  external boolean not null,
  name text,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  last_used_at timestamp(3) with time zone not null default clock_timestamp(),
  ended_at timestamp(3) with time zone,
  end_reason text,
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id),
  constraint sessions_end CHECK (((ended_at IS NULL) = (end_reason IS NULL)))
);
CREATE INDEX sessions_ended_at ON auth.sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX sessions_last_used_at ON auth.sessions USING btree (last_used_at);
CREATE INDEX sessions_user_id ON auth.sessions USING btree (user_id, id) WHERE (ended_at IS NULL);

create table auth.signing_keys (
  id text not null,
  sealed_private_key bytea not null,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  signs_from timestamp(3) with time zone not null,
  constraint signing_keys_pkey PRIMARY KEY (id)
);

create table auth.users (
  id uuid not null default gen_random_uuid(),
  display_name text not null,
  folded_name text not null,
  avatar_url text,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  erased_at timestamp(3) with time zone,
  constraint users_pkey PRIMARY KEY (id)
);
CREATE INDEX users_folded_name ON auth.users USING btree (folded_name, id);

CREATE OR REPLACE FUNCTION auth.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      raise exception 'entries of % are never changed or removed', tg_table_name using errcode = 'restrict_violation';
    end $function$;
