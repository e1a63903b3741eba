import { sql, type Kysely } from 'kysely'

/** Erasures and exports of users: what takes long, and goes on where it was when a process dies. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table jobs (
      id uuid primary key,
      kind text not null check (kind in ('erasure', 'export')),
      user_id uuid not null,
      requested_by uuid not null,
      requested_at timestamptz not null,
      -- Of an erasure.
      reason text,
      state text not null default 'pending' check (state in ('pending', 'running', 'held', 'done', 'ready', 'expired')),
      finished_at timestamptz,
      -- When to go on with it, while it is not finished.
      due_at timestamptz not null default clock_timestamp(),
      -- How often it had to wait in a row.
      waits integer not null default 0,
      -- Of an export: of its ZIP, and until when that is kept.
      size bigint,
      kept_until timestamptz,
      check ((kind = 'erasure') = (reason is not null))
    )`.execute(db)
  await sql`create unique index erasures_of_user on jobs (user_id) where kind = 'erasure'`.execute(db)
  await sql`
    create unique index exports_under_way on jobs (user_id)
      where kind = 'export' and state in ('pending', 'running')`.execute(db)
  await sql`create index exports_of_user on jobs (user_id, requested_at) where kind = 'export'`.execute(db)
  await sql`create index exports_to_expire on jobs (kept_until) where state = 'ready'`.execute(db)
  await sql`create index jobs_due on jobs (kind, due_at) where state in ('pending', 'running', 'held')`.execute(db)
  await sql`
    create table job_steps (
      job_id uuid not null references jobs (id) on delete cascade,
      position integer not null,
      service text not null,
      state text not null default 'pending' check (state in ('pending', 'running', 'waiting', 'held', 'done')),
      -- Of the service's last answer.
      cursor text,
      counts jsonb not null default '{}',
      finished_at timestamptz,
      primary key (job_id, position)
    )`.execute(db)
}
