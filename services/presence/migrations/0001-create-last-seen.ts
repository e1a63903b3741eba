import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table last_seen (
      user_id uuid primary key,
      last_seen_at timestamptz(3) not null
    )`.execute(db)
}
