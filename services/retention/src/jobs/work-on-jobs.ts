import { once } from 'node:events'
import { repeat, type Logger } from '@parley/runtime'
import { listDueJobs, postponeJob } from '../store/jobs.ts'
import type { Db, JobKind, JobRow } from '../store/tables.ts'

const LOOK_EVERY_MS = 1_000
const JOBS_AT_ONCE = 4

/** What the leader does until the signal: goes on with whatever is due, a few at once. What fails is tried again later. */
export async function workOnJobs(
  using: { db: Db; log: Logger },
  kind: JobKind,
  work: (job: JobRow, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return
  const { db, log } = using
  await using _looking = repeat(`work-on-${kind}s`, { everyMs: LOOK_EVERY_MS, log }, async (stopping) => {
    const either = AbortSignal.any([stopping, signal])
    await Promise.all((await listDueJobs(db, kind, JOBS_AT_ONCE)).map((job) => attempt(job, either)))
  })
  await once(signal, 'abort')

  async function attempt(job: JobRow, until: AbortSignal): Promise<void> {
    const finished = new AbortController()
    try {
      // What an owner was asked last may still be answered: whoever leads next asks the same again, and only one is noted.
      await Promise.race([work(job, until), once(until, 'abort', { signal: finished.signal })])
    } catch (error) {
      if (until.aborted) return
      log.warn({ error, jobId: job.id, kind }, 'could not go on, and will be tried again')
      await postponeJob(db, job.id, 'running')
    } finally {
      finished.abort()
    }
  }
}
