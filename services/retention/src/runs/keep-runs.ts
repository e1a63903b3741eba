import { repeat, type Clock, type Logger } from '@parley/runtime'
import type { EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import type { RunKind } from '@parley/protocol'
import { listRequestedRuns } from '../store/requested-runs.ts'
import type { Db } from '../store/tables.ts'
import { keepRunning } from './keep-running.ts'
import { recordRun, type Job } from './record-run.ts'

/** When each kind of run comes by itself: cron expressions, in UTC. */
export type Schedules = Readonly<Record<RunKind, string>>

const LOOK_FOR_REQUESTS_EVERY_MS = 1_000

/**
 * What the leader does until the signal. Runs of different kinds are jobs of their own: when one cannot be done, the others go
 * on.
 */
export async function keepRuns(
  using: {
    db: Db
    outbox: Outbox<EventRecord>
    clock: Clock
    log: Logger
    schedules: Schedules
    firstRetryMs: number
  },
  jobs: Readonly<Record<RunKind, Job>>,
  signal: AbortSignal,
): Promise<void> {
  const { db, schedules, log } = using
  const kept = (Object.entries(jobs) as [RunKind, Job][]).map(([kind, job]) => ({
    kind,
    ...keepRunning({ ...using, kind, schedule: schedules[kind] }, () => recordRun(using, kind, job, signal), signal),
  }))
  await using _requests = repeat('requested-runs', { everyMs: LOOK_FOR_REQUESTS_EVERY_MS, log }, async () => {
    const requested = new Set(await listRequestedRuns(db))
    for (const { kind, becomeDue } of kept) if (requested.has(kind)) becomeDue()
  })
  await Promise.all(kept.map(({ ended }) => ended))
}
