import { keepsEventsTooLong, type Bus } from '@parley/bus'
import { retention, type Counts, type Finding } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { sql } from 'kysely'
import { listExportIds } from './remove-export.ts'
import type { Db } from './tables.ts'

const MOST = 100
const SLACK_MS = 24 * 60 * 60_000

interface Remains {
  readonly counts: Counts
  readonly findings: Finding[]
}

/** What retention itself keeps longer than it should. */
export async function findOwnRemains(using: { db: Db; bus: Bus; s3: S3; now: Date }): Promise<Remains> {
  const events = await findUntold(using.db)
  const exports = await findExports(using)
  const old = (await keepsEventsTooLong(using.bus, retention))
    ? [{ store: 'jetstream', what: 'events that are kept too long', id: 'RETENTION' }]
    : []
  return {
    counts: { ...events.counts, ...exports.counts },
    findings: [...events.findings, ...exports.findings, ...old],
  }
}

async function findUntold(db: Db): Promise<Remains> {
  const { rows } = await sql<{ id: string; isOld: boolean }>`
    select id::text as id, created_at < clock_timestamp() - interval '1 hour' as is_old from outbox
    order by created_at limit ${MOST}`.execute(db)
  const findings = rows
    .filter(({ isOld }) => isOld)
    .map(({ id }) => ({ store: 'postgres', what: 'event that was not told', id }))
  return { counts: { 'retention.postgres.outbox': rows.length }, findings }
}

/** Of which there is something in the bucket, though they are over, or nobody knows them. */
async function findExports({ db, s3, now }: { db: Db; s3: S3; now: Date }): Promise<Remains> {
  const ids = [...(await listExportIds(s3))]
  const { rows } = await sql<{ id: string }>`
    select id from jobs
    where id = any(${ids}::uuid[]) and kind = 'export'
      and (state in ('pending', 'running') or kept_until > ${new Date(now.getTime() - SLACK_MS)})`.execute(db)
  const kept = new Set(rows.map(({ id }) => id))
  const findings = ids
    .filter((id) => !kept.has(id))
    .slice(0, MOST)
    .map((id) => ({ store: 's3', what: 'export', id }))
  return { counts: { 'retention.s3.exports': ids.length }, findings }
}
