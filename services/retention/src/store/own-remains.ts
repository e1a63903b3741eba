import type { Counts, Finding } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

const MOST = 100

/** What retention itself keeps longer than it should. */
export async function findOwnRemains(db: Db): Promise<{ counts: Counts; findings: Finding[] }> {
  const { rows } = await sql<{ id: string; isOld: boolean }>`
    select id::text as id, created_at < clock_timestamp() - interval '1 hour' as is_old from outbox
    order by created_at limit ${MOST}`.execute(db)
  const findings = rows
    .filter(({ isOld }) => isOld)
    .map(({ id }) => ({ store: 'postgres', what: 'event that was not told', id }))
  return { counts: { 'retention.postgres.outbox': rows.length }, findings }
}
