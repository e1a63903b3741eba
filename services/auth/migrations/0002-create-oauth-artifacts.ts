import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table oauth_artifacts (
      type text not null,
      -- A hash: the value itself opens sessions and renews tokens, and is with its bearer only.
      id text not null,
      payload jsonb not null,
      expires_at timestamptz,
      consumed_at timestamptz,
      grant_id text,
      uid text,
      user_code text,
      primary key (type, id)
    )`.execute(db)
  await sql`create index oauth_artifacts_expires_at on oauth_artifacts (expires_at)`.execute(db)
  await sql`create index oauth_artifacts_grant_id on oauth_artifacts (grant_id) where grant_id is not null`.execute(db)
  await sql`create index oauth_artifacts_uid on oauth_artifacts (uid) where uid is not null`.execute(db)
  await sql`create index oauth_artifacts_user_code on oauth_artifacts (user_code) where user_code is not null`.execute(
    db,
  )
}
