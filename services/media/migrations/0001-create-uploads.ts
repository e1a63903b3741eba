import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table uploads (
      id uuid primary key,
      conversation_id uuid not null,
      uploaded_by uuid not null,
      name text not null,
      type text not null,
      size bigint not null check (size > 0),
      state text not null default 'pending' check (state in ('pending', 'checking', 'ready', 'rejected')),
      checked_etag text,
      rejected_reason text,
      created_at timestamptz not null default clock_timestamp(),
      settled_at timestamptz,
      constraint checked_is_known check ((state = 'pending') = (checked_etag is null)),
      constraint rejected_has_reason check ((state = 'rejected') = (rejected_reason is not null)),
      constraint settled_has_time check ((state in ('ready', 'rejected')) = (settled_at is not null))
    )`.execute(db)
}
