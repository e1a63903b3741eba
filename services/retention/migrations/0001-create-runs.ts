import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table runs (
      id uuid primary key,
      kind text not null check (kind in ('create-months', 'drop-months')),
      started_at timestamptz not null,
      ended_at timestamptz,
      result text check (result in ('done', 'busy', 'failed')),
      months text[] not null default '{}',
      months_ahead int,
      error_code text,
      constraint ended_has_result check ((ended_at is null) = (result is null)),
      constraint failed_has_error check (coalesce(result = 'failed', false) = (error_code is not null))
    )`.execute(db)
  // One run of a kind at a time, whoever believes to lead.
  await sql`create unique index runs_under_way on runs (kind) where ended_at is null`.execute(db)
  await sql`create index runs_done on runs (kind, ended_at) where result = 'done'`.execute(db)
}
