import { createOutboxTable } from '@parley/postgres'
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table statuses (
      user_id uuid primary key,
      status text not null check (status in ('online', 'busy', 'invisible')),
      text text,
      until timestamptz(3),
      visible_to text not null check (visible_to in ('everyone', 'contacts', 'nobody')),
      version bigint not null
    )`.execute(db)
  await createOutboxTable(db)
}
