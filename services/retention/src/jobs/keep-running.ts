import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'
import { schedule } from 'node-cron'
import { retryDelayMs } from '../domain/retry-delay.ts'
import type { RunKind, RunResult } from '../store/tables.ts'

/**
 * Runs at once, then at the times of a cron expression (UTC), until the signal. A run that did not do its work is followed by
 * another after a while. Runs never overlap: a time that comes during one leads to one more.
 */
export async function keepRunning(
  options: { kind: RunKind; schedule: string; firstRetryMs: number; log: Logger },
  run: () => Promise<RunResult>,
  signal: AbortSignal,
): Promise<void> {
  const { kind, log } = options
  let due = Promise.withResolvers<void>()
  const becomeDue = () => due.resolve()
  signal.addEventListener('abort', becomeDue)
  const task = schedule(options.schedule, becomeDue, { timezone: 'UTC', name: kind })
  // The process slept through the time.
  task.on('execution:missed', becomeDue)
  try {
    for (let failures = 0; !signal.aborted;) {
      due = Promise.withResolvers<void>()
      failures = (await succeeds()) ? 0 : failures + 1
      await waitUntilDue(failures)
    }
  } finally {
    await task.destroy()
    signal.removeEventListener('abort', becomeDue)
  }

  async function succeeds(): Promise<boolean> {
    try {
      return (await run()) === 'done'
    } catch (error) {
      log.error({ error, kind }, 'run could not be recorded')
      return false
    }
  }

  async function waitUntilDue(failures: number): Promise<void> {
    if (failures === 0) return due.promise
    const waiting = new AbortController()
    const retry = delay(retryDelayMs(failures, options.firstRetryMs), undefined, { signal: waiting.signal })
    await Promise.race([due.promise, retry])
    waiting.abort()
  }
}
