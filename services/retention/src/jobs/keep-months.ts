import type { Callers, EventRecord } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import type { Clock, Logger } from '@parley/runtime'
import type { Db } from '../store/tables.ts'
import { createMonths } from './create-months.ts'
import { dropMonths } from './drop-months.ts'
import { keepRunning } from './keep-running.ts'
import { recordRun } from './record-run.ts'

/**
 * What the leader does until the signal. Making months and dropping them are jobs of their own: when one cannot be done, the
 * other goes on.
 */
export async function keepMonths(
  using: {
    db: Db
    outbox: Outbox<EventRecord>
    messaging: Pick<Callers<typeof messaging>, 'createMonths' | 'dropMonths'>
    clock: Clock
    log: Logger
    monthsAhead: number
    retentionDays: number
    schedules: { createMonths: string; dropMonths: string }
    firstRetryMs: number
  },
  signal: AbortSignal,
): Promise<void> {
  const jobs = [
    { kind: 'create-months', schedule: using.schedules.createMonths, job: () => createMonths(using) },
    { kind: 'drop-months', schedule: using.schedules.dropMonths, job: () => dropMonths(using) },
  ] as const
  await Promise.all(
    jobs.map(({ kind, schedule, job }) =>
      keepRunning({ ...using, kind, schedule }, () => recordRun(using, kind, job, signal), signal),
    ),
  )
}
