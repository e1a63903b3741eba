import type { EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import { repeat, type Clock, type Logger } from '@parley/runtime'
import type { S3 } from '@parley/s3'
import { once } from 'node:events'
import { endExpiredExports, endExportsOf, removeLeftovers } from '../exports/end-exports.ts'
import type { Exporting } from '../exports/gather.ts'
import { runExport } from '../exports/run-export.ts'
import { runErasure, type Erasing } from '../erasures/run-erasure.ts'
import { jobsOf } from '../runs/jobs.ts'
import { keepRuns, type Schedules } from '../runs/keep-runs.ts'
import type { Db } from '../store/tables.ts'
import { tellDecisions } from './tell-decisions.ts'
import { workOnJobs } from './work-on-jobs.ts'

const END_EXPORTS_EVERY_MS = 60_000
const REMOVE_LEFTOVERS_EVERY_MS = 60 * 60_000

/** What the leader does until the signal. */
export async function doLeading(
  using: Parameters<typeof jobsOf>[0] & {
    db: Db
    s3: S3
    outbox: Outbox<EventRecord>
    owners: Erasing & Exporting
    clock: Clock
    log: Logger
    schedules: Schedules
    firstRetryMs: number
    exportDays: number
    settledMs?: number
  },
  signal: AbortSignal,
): Promise<void> {
  const erasing = { ...using, endExportsOf: (userId: string) => endExportsOf(using, userId) }
  await Promise.all([
    keepRuns(using, jobsOf(using), signal),
    tellDecisions(using, signal),
    workOnJobs(using, 'erasure', (job, until) => runErasure(erasing, job, until), signal),
    workOnJobs(using, 'export', (job, until) => runExport(using, job, until), signal),
    endExports(using, signal),
  ])
}

async function endExports(using: { db: Db; s3: S3; clock: Clock; log: Logger }, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { clock, log } = using
  await using _ending = repeat('end-exports', { everyMs: END_EXPORTS_EVERY_MS, log }, (stopping) =>
    endExpiredExports(using, clock.now(), stopping),
  )
  await using _removing = repeat('remove-leftovers', { everyMs: REMOVE_LEFTOVERS_EVERY_MS, log }, (stopping) =>
    removeLeftovers(using, stopping),
  )
  await once(signal, 'abort')
}
