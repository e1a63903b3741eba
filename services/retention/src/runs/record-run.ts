import { once } from 'node:events'
import { BusError, type EventRecord } from '@parley/bus'
import { Refused, type Counts } from '@parley/contracts'
import { isUnavailable, type Outbox } from '@parley/postgres'
import type { RunKind } from '@parley/protocol'
import type { Clock, Logger } from '@parley/runtime'
import { beginRun, endRun, INTERRUPTED, noteProgress, type Outcome } from '../store/runs.ts'
import type { Db, RunResult } from '../store/tables.ts'

/** The work of a run; what it notes is told while it goes on. */
export type Job = (note: (counts: Counts) => Promise<void>, signal: AbortSignal) => Promise<Outcome>

/** Does a job once, with a record of its start and its end, and an event at the end. A job that throws has failed. */
export async function recordRun(
  using: { db: Db; outbox: Outbox<EventRecord>; clock: Clock; log: Logger },
  kind: RunKind,
  job: Job,
  signal: AbortSignal,
): Promise<RunResult> {
  const { db, outbox, clock, log } = using
  const { id, events } = await beginRun(db, kind, clock.now())
  await outbox.send(events)
  const note = (counts: Counts) => noteProgress(db, id, counts)
  const outcome = await outcomeOf(() => job(note, signal), signal, log)
  await outbox.send(await endRun(db, id, outcome, clock.now()))
  log.info({ runId: id, kind, ...outcome }, 'run finished')
  return outcome.result
}

/** A run does not outlive the lead: the work it asked for is done or not done, and can be asked for again. */
async function outcomeOf(job: () => Promise<Outcome>, signal: AbortSignal, log: Logger): Promise<Outcome> {
  if (signal.aborted) return INTERRUPTED
  const finished = new AbortController()
  const interruption = once(signal, 'abort', { signal: finished.signal }).then(() => INTERRUPTED)
  try {
    return await Promise.race([job(), interruption])
  } catch (error) {
    if (signal.aborted) return INTERRUPTED
    log.warn({ error }, 'run failed')
    return { result: 'failed', errorCode: codeOf(error) }
  } finally {
    finished.abort()
  }
}

function codeOf(error: unknown): string {
  if (error instanceof BusError) return error.code
  if (error instanceof Refused) return error.refusal.code
  return isUnavailable(error) ? 'unavailable' : 'internal'
}
