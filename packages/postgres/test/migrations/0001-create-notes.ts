import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table notes (id bigint generated always as identity primary key, text text not null default '')`.execute(
    db,
  )
  await sql`create index notes_by_text on notes (text)`.execute(db)
}
