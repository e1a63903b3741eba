import { sql, type Kysely } from 'kysely'

/**
 * Every object of an export has a name of its own, and only what is noted here is part of it: whatever was put by an attempt that
 * was broken off, or by an instance that no longer leads, is passed over and removed.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table export_pages (
      job_id uuid not null references jobs (id) on delete cascade,
      -- Of the service's answers.
      page integer not null,
      service text not null,
      kind text not null,
      object_id uuid not null,
      primary key (job_id, service, kind, page)
    )`.execute(db)
  // Of an export: the ZIP that is being written, or is there.
  await sql`alter table jobs add column zip_id uuid`.execute(db)
  // Those from before are under other names: what is under way begins anew, and what was ready can be asked for again.
  await sql`update jobs set state = 'expired', size = null, kept_until = null where state = 'ready'`.execute(db)
  await sql`
    update job_steps set state = 'pending', cursor = null, counts = '{}', finished_at = null
    where job_id in (select id from jobs where kind = 'export' and state in ('pending', 'running'))`.execute(db)
  // Its own part of an erasure, the last: the exports of the user.
  await sql`
    insert into job_steps (job_id, position, service)
    select id, 5, 'retention' from jobs where kind = 'erasure' and state <> 'done'`.execute(db)
}
