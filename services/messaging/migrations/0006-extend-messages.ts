import { sql, type Kysely } from 'kysely'

/** What belongs to a message comes and goes with its month: see `src/store/months.ts`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table messages
      add column attachments jsonb not null default '[]',
      add column reactions jsonb not null default '[]',
      add column edited_at timestamptz,
      add column deleted_at timestamptz`.execute(db)

  await sql`
    create table message_edits (
      message_id uuid not null,
      version bigint not null,
      text text not null,
      mentions uuid[] not null,
      replaced_at timestamptz not null,
      primary key (message_id, version)
    ) partition by range (message_id)`.execute(db)

  await sql`
    create table reactions (
      message_id uuid not null,
      emoji text not null,
      user_id uuid not null,
      reacted_at timestamptz not null,
      primary key (message_id, emoji, user_id)
    ) partition by range (message_id)`.execute(db)

  // Only what the mentioned user has not read yet; so it is never large.
  await sql`
    create table unread_mentions (
      user_id uuid not null,
      conversation_id uuid not null,
      sequence bigint not null,
      message_id uuid not null,
      primary key (user_id, conversation_id, sequence)
    )`.execute(db)
  await sql`create index unread_mentions_by_message on unread_mentions (message_id)`.execute(db)
}
