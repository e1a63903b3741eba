import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // What `retention` has said last: one row. See `RetentionRules` of packages/contracts.
  await sql`
    create table retention_rules (
      id boolean primary key default true check (id),
      revision bigint not null,
      rules jsonb not null
    )`.execute(db)
  await sql`
    alter table conversations
      -- Periods of its own; null: as the rules say.
      add column message_days integer check (message_days > 0),
      add column file_days integer check (file_days > 0),
      -- Messages before it have expired. Rises only; what has expired since it last rose is hidden by time.
      add column first_kept_sequence bigint not null default 1,
      -- No message is older than this, and none that is older has files; null: than the conversation.
      add column kept_from timestamptz,
      add column files_kept_from timestamptz`.execute(db)
  await sql`
    create index conversations_to_expire on conversations (kind, (coalesce(kept_from, created_at)), id)
      where message_days is null`.execute(db)
  await sql`
    create index conversations_with_files_to_expire on conversations (kind, (coalesce(files_kept_from, created_at)), id)
      where file_days is null and message_days is null`.execute(db)
  await sql`
    create index conversations_with_own_retention on conversations (id)
      where message_days is not null or file_days is not null`.execute(db)
  await sql`
    create table holds (
      id uuid primary key,
      user_id uuid,
      conversation_id uuid,
      check (num_nonnulls(user_id, conversation_id) = 1)
    )`.execute(db)
  await sql`create index holds_of_user on holds (user_id) where user_id is not null`.execute(db)
  await sql`create index holds_of_conversation on holds (conversation_id) where conversation_id is not null`.execute(db)
  // What would be gone but for a hold: nobody is shown it any more.
  await sql`
    create table held_messages (
      id uuid primary key,
      conversation_id uuid not null,
      sequence bigint not null,
      sender_id uuid not null,
      created_at timestamptz not null,
      -- The whole message, its edits and its reactions, as they were.
      content jsonb not null,
      upload_ids uuid[] not null,
      reason text not null check (reason in ('expired', 'deleted', 'erased')),
      held_at timestamptz not null default clock_timestamp()
    )`.execute(db)
  await sql`create index held_messages_of_conversation on held_messages (conversation_id)`.execute(db)
  await sql`create index held_messages_of_sender on held_messages (sender_id)`.execute(db)
}
