import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table uploads add column message_id uuid`.execute(db)
  await sql`create index uploads_of_message on uploads (message_id) where message_id is not null`.execute(db)
}
