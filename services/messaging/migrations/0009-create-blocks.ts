import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Whoever writes in a direct conversation asks by its id, which stands for both directions; it need not be there yet.
  await sql`
    create table blocks (
      user_id uuid not null,
      blocked_id uuid not null,
      conversation_id uuid not null,
      created_at timestamptz not null default clock_timestamp(),
      primary key (user_id, blocked_id),
      check (user_id <> blocked_id)
    )`.execute(db)
  await sql`create index blocks_of_conversation on blocks (conversation_id)`.execute(db)

  // What was blocked and unblocked of late, for gateways that have missed the notice.
  await sql`
    create table block_changes (
      user_id uuid not null,
      blocked_id uuid not null,
      conversation_id uuid not null,
      changed_at timestamptz not null,
      primary key (user_id, blocked_id)
    )`.execute(db)
  await sql`create index block_changes_by_time on block_changes (changed_at)`.execute(db)
}
