import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_entries (
      id bigint generated always as identity primary key,
      at timestamptz(3) not null default clock_timestamp(),
      action text not null,
      actor_id uuid,
      user_id uuid,
      details jsonb not null,
      -- What may be told more than once, and is written once.
      once_as text constraint audit_entries_once_as unique
    )`.execute(db)
  await sql`create index audit_entries_action on audit_entries (action, id)`.execute(db)
  await sql`create index audit_entries_actor_id on audit_entries (actor_id, id) where actor_id is not null`.execute(db)
  await sql`create index audit_entries_user_id on audit_entries (user_id, id) where user_id is not null`.execute(db)

  await sql`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception 'entries of % are never changed or removed', tg_table_name using errcode = 'restrict_violation';
    end $$`.execute(db)
  await sql`
    create trigger audit_entries_append_only before update or delete or truncate on audit_entries
    for each statement execute function refuse_change()`.execute(db)
}
