import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reconciliations (
      id uuid primary key,
      started_at timestamptz not null default clock_timestamp(),
      -- When it last said that it is running.
      heard_at timestamptz not null default clock_timestamp(),
      finished_at timestamptz,
      outcome text not null default 'running'
        check (outcome in ('running', 'finished', 'failed', 'too_many_unknown')),
      objects bigint not null default 0,
      uploads bigint not null default 0,
      unknown_objects bigint not null default 0,
      removed_objects bigint not null default 0,
      missing_objects bigint not null default 0,
      missing_upload_ids uuid[] not null default '{}'
    )`.execute(db)
  await sql`create index reconciliations_by_time on reconciliations (started_at)`.execute(db)
}
