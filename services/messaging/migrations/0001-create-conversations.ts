import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Its counters rise with every message: room in the page lets the new row version stay there, without touching an index.
  await sql`
    create table conversations (
      id uuid primary key,
      kind text not null check (kind in ('direct', 'group')),
      title text,
      created_by uuid not null,
      created_at timestamptz not null,
      creation_hash bytea not null,
      version bigint not null,
      last_sequence bigint not null,
      last_message_id uuid,
      last_message_at timestamptz,
      member_count integer not null
    ) with (fillfactor = 70)`.execute(db)

  await sql`
    create table members (
      conversation_id uuid not null references conversations,
      user_id uuid not null,
      role text not null check (role in ('owner', 'admin', 'member')),
      joined_at timestamptz not null,
      joined_version bigint not null,
      joined_sequence bigint not null,
      visible_from_sequence bigint not null,
      left_at timestamptz,
      left_version bigint,
      left_sequence bigint,
      delivered_sequence bigint not null,
      read_sequence bigint not null,
      primary key (conversation_id, user_id)
    ) with (fillfactor = 70)`.execute(db)
  await sql`create index members_of_user on members (user_id, conversation_id) where left_at is null`.execute(db)

  // Every beginning and end of a membership, once and for ever: what members forgets when somebody comes back.
  await sql`
    create table membership_changes (
      conversation_id uuid not null references conversations,
      version bigint not null,
      user_id uuid not null,
      membership_version bigint not null,
      kind text not null check (kind in ('joined', 'left')),
      joined_version bigint not null,
      primary key (conversation_id, version, user_id),
      unique (user_id, membership_version)
    )`.execute(db)

  await sql`
    create table users (
      user_id uuid primary key,
      membership_version bigint not null
    ) with (fillfactor = 70)`.execute(db)
}
