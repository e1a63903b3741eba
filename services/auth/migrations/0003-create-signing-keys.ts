import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table signing_keys (
      id text primary key,
      sealed_private_key bytea not null,
      created_at timestamptz(3) not null default clock_timestamp()
    )`.execute(db)
}
