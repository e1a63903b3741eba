import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table policies (
      -- A conversation's id, a kind, or 'default'.
      scope text primary key,
      conversation_id uuid,
      kind text check (kind in ('direct', 'group', 'channel')),
      message_days integer,
      file_days integer,
      changed_by uuid not null,
      changed_at timestamptz not null,
      -- Of a conversation: whether messaging goes by it.
      confirmed boolean not null default false,
      check (num_nonnulls(conversation_id, kind) <= 1)
    )`.execute(db)
  await sql`create index policies_of_conversations on policies (conversation_id) where conversation_id is not null`.execute(
    db,
  )
  await sql`create index policies_to_confirm on policies (scope) where not confirmed and conversation_id is not null`.execute(
    db,
  )
  // Of the default and the kinds, together: which revision there is, and which messaging goes by.
  await sql`
    create table rules (
      id boolean primary key default true check (id),
      revision bigint not null,
      default_days integer not null,
      confirmed_revision bigint not null default 0
    )`.execute(db)
  await sql`
    create table holds (
      id uuid primary key,
      user_id uuid,
      conversation_id uuid,
      reason text not null,
      placed_by uuid not null,
      placed_at timestamptz not null,
      released_by uuid,
      released_at timestamptz,
      -- What messaging goes by.
      confirmed text check (confirmed in ('placed', 'released')),
      check (num_nonnulls(user_id, conversation_id) = 1),
      check ((released_at is null) = (released_by is null))
    )`.execute(db)
  await sql`create index holds_by_time on holds (placed_at, id)`.execute(db)
  await sql`create index holds_of_user on holds (user_id) where user_id is not null`.execute(db)
  await sql`create index holds_of_conversation on holds (conversation_id) where conversation_id is not null`.execute(db)
  await sql`
    create index holds_to_confirm on holds (id)
      where confirmed is distinct from (case when released_at is null then 'placed' else 'released' end)`.execute(db)
  await sql`
    alter table runs
      drop constraint runs_kind_check,
      add constraint runs_kind_check check (kind in ('create-months', 'expire', 'drop-months', 'verify')),
      drop constraint runs_result_check,
      add constraint runs_result_check check (result in ('done', 'busy', 'remains', 'failed')),
      add column counts jsonb not null default '{}',
      add column findings jsonb not null default '[]'`.execute(db)
  await sql`create index runs_by_time on runs (started_at, id)`.execute(db)
  // Runs that somebody has asked for and that have not begun.
  await sql`create table requested_runs (kind text primary key, requested_at timestamptz not null)`.execute(db)
}
