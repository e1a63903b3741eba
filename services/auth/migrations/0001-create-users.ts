import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table users (
      id uuid primary key default gen_random_uuid(),
      display_name text not null,
      -- The display name as searches compare it; in byte order, so that an index serves prefixes in any locale.
      folded_name text collate "C" not null,
      avatar_url text,
      created_at timestamptz(3) not null default clock_timestamp()
    )`.execute(db)
  await sql`create index users_folded_name on users (folded_name, id)`.execute(db)

  await sql`
    create table identities (
      issuer text not null,
      subject text not null,
      user_id uuid not null references users (id),
      created_at timestamptz(3) not null default clock_timestamp(),
      primary key (issuer, subject)
    )`.execute(db)
  await sql`create index identities_user_id on identities (user_id)`.execute(db)
}
