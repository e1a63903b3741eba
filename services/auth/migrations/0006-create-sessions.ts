import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sessions (
      id text primary key,
      user_id uuid not null references users (id),
      -- The OAuth client; of an external session, the issuer.
      client text not null,
      -- Known by tokens of an external issuer, which goes on issuing them whatever happens here.
      external boolean not null,
      name text,
      created_at timestamptz(3) not null default clock_timestamp(),
      last_used_at timestamptz(3) not null default clock_timestamp(),
      ended_at timestamptz(3),
      end_reason text,
      constraint sessions_end check ((ended_at is null) = (end_reason is null))
    )`.execute(db)
  await sql`create index sessions_user_id on sessions (user_id, id) where ended_at is null`.execute(db)
  await sql`create index sessions_ended_at on sessions (ended_at) where ended_at is not null`.execute(db)
  await sql`create index sessions_last_used_at on sessions (last_used_at)`.execute(db)

  await sql`
    create table revocations (
      position bigint primary key,
      user_id uuid not null,
      session_id text,
      token_id text,
      at timestamptz(3) not null,
      forgotten_at timestamptz(3) not null,
      constraint revocations_one_thing check (session_id is null or token_id is null)
    )`.execute(db)
  await sql`create index revocations_forgotten_at on revocations (forgotten_at)`.execute(db)
  await sql`create index revocations_session_id on revocations (session_id) where session_id is not null`.execute(db)
  await sql`create unique index revocations_token_id on revocations (token_id) where token_id is not null`.execute(db)

  // One row. It stays locked until COMMIT, so that positions become visible in their order and without gaps.
  await sql`
    create table revocation_counter (
      id boolean primary key default true,
      position bigint not null,
      constraint revocation_counter_one_row check (id)
    )`.execute(db)
  await sql`insert into revocation_counter (position) values (0)`.execute(db)

  // What the provider keeps of a user, and the browser that a grant was given in.
  await sql`create index oauth_artifacts_account_id on oauth_artifacts ((payload ->> 'accountId'))`.execute(db)
  await sql`
    create index oauth_artifacts_grants_of_browser on oauth_artifacts
    using gin (jsonb_path_query_array(payload, '$.authorizations.*.grantId')) where type = 'Session'`.execute(db)
}
