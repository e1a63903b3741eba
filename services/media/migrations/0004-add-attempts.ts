import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table uploads
      add column attempts uuid[] not null default '{}',
      add constraint attempts_have_message check (message_id is not null or attempts = '{}')`.execute(db)
}
