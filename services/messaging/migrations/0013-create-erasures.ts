import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Of users who are being erased, or are erased: in messages that were last changed with this version of the conversation, or
  // before, nothing of theirs is left. Whatever comes later has a later version.
  await sql`
    create table erasures (
      user_id uuid not null,
      conversation_id uuid not null,
      version bigint not null,
      primary key (user_id, conversation_id)
    )`.execute(db)
  await sql`create index blocks_of_blocked on blocks (blocked_id)`.execute(db)
}
