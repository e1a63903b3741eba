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
  /** By id. One that takes hours does not keep the others waiting. */
  const underWay = new Map<string, Promise<void>>()
  {
    await using _looking = repeat(`work-on-${kind}s`, { everyMs: LOOK_EVERY_MS, log }, async () => {
      const free = { limit: JOBS_AT_ONCE - underWay.size, but: [...underWay.keys()] }
      if (free.limit === 0 || signal.aborted) return
      for (const job of await listDueJobs(db, kind, free)) {
        underWay.set(
          job.id,
          attempt(job).finally(() => underWay.delete(job.id)),
        )
      }
    })
    await once(signal, 'abort')
  }
  await Promise.all(underWay.values())

  /** Never rejects. */
  async function attempt(job: JobRow): Promise<void> {
    const finished = new AbortController()
    try {
      // What an owner was asked last may still be answered: whoever leads next asks the same again, and only one is noted.
      await Promise.race([work(job, signal), once(signal, 'abort', { signal: finished.signal })])
    } catch (error) {
      if (signal.aborted) return
      log.warn({ error, jobId: job.id, kind }, 'could not go on, and will be tried again')
      await postponeJob(db, job.id, 'running').catch((failure: unknown) => {
        log.warn({ error: failure, jobId: job.id, kind }, 'could not be put off')
      })
    } finally {
      finished.abort()
    }
  }
}
