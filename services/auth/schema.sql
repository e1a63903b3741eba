create table auth.identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  constraint identities_pkey PRIMARY KEY (issuer, subject),
  constraint identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE INDEX identities_user_id ON auth.identities USING btree (user_id);

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
CREATE INDEX oauth_artifacts_expires_at ON auth.oauth_artifacts USING btree (expires_at);
CREATE INDEX oauth_artifacts_grant_id ON auth.oauth_artifacts USING btree (grant_id) WHERE (grant_id IS NOT NULL);
CREATE INDEX oauth_artifacts_uid ON auth.oauth_artifacts USING btree (uid) WHERE (uid IS NOT NULL);
CREATE INDEX oauth_artifacts_user_code ON auth.oauth_artifacts USING btree (user_code) WHERE (user_code IS NOT NULL);

create table auth.outbox (
  id bigint generated always as identity not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  claimed_until timestamp with time zone,
  events jsonb not null,
  constraint outbox_pkey PRIMARY KEY (id)
);

create table auth.signing_keys (
  id text not null,
  sealed_private_key bytea not null,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  constraint signing_keys_pkey PRIMARY KEY (id)
);

create table auth.users (
  id uuid not null default gen_random_uuid(),
  display_name text not null,
  folded_name text not null,
  avatar_url text,
  created_at timestamp(3) with time zone not null default clock_timestamp(),
  constraint users_pkey PRIMARY KEY (id)
);
CREATE INDEX users_folded_name ON auth.users USING btree (folded_name, id);
