import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // By the minute: within it, rises of the version leave the indexed value as it is, and so need no index entry of their own.
  await sql`
    alter table conversations
      drop constraint conversations_kind_check,
      add constraint conversations_kind_check check (kind in ('direct', 'group', 'channel')),
      add column avatar_url text,
      add column history_visibility text not null default 'joined' check (history_visibility in ('all', 'joined')),
      add column archived_at timestamptz,
      add column updated_version bigint not null default 1,
      add column changed_minute timestamptz not null default date_trunc('minute', clock_timestamp())`.execute(db)
  await sql`create index conversations_by_change on conversations (changed_minute)`.execute(db)
  await sql`
    alter table users
      add column private_read boolean not null default false,
      add column changed_minute timestamptz not null default date_trunc('minute', clock_timestamp())`.execute(db)
  await sql`create index users_by_change on users (changed_minute)`.execute(db)

  await sql`
    alter table members
      add column shown_read_sequence bigint not null default 0,
      add column raised_at timestamptz,
      add column muted_until timestamptz,
      add column own_version bigint`.execute(db)
  await sql`update members set shown_read_sequence = read_sequence`.execute(db)
  // A channel has many members: neither a page of them nor the number of owners may cost a look at all.
  await sql`
    create index members_in_order on members (conversation_id, joined_version, user_id) where left_at is null`.execute(
    db,
  )
  await sql`create index members_owners on members (conversation_id) where role = 'owner' and left_at is null`.execute(
    db,
  )

  // A change of role is one of the conversation only.
  await sql`
    alter table membership_changes
      drop constraint membership_changes_kind_check,
      add constraint membership_changes_kind_check check (kind in ('joined', 'left', 'changed')),
      alter column membership_version drop not null`.execute(db)
}
