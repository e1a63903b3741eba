import { setTimeout as delay } from 'node:timers/promises'
import type { RunKind } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import { schedule } from 'node-cron'
import { retryDelayMs } from '../domain/retry-delay.ts'
import type { RunResult } from '../store/tables.ts'

export interface KeptRunning {
  /** Has it run now, or once more after the run under way. */
  readonly becomeDue: () => void
  readonly ended: Promise<void>
}

/** A run that comes again soon: it failed, or could not do all. What remains is not mended by looking again at once. */
const isToBeRepeated = (result: RunResult): boolean => result === 'busy' || result === 'failed'

/**
 * Runs at once, then at the times of a cron expression (UTC), until the signal. A run that did not do its work is followed by
 * another after a while. Runs never overlap: a time that comes during one leads to one more.
 */
export function keepRunning(
  options: { kind: RunKind; schedule: string; firstRetryMs: number; log: Logger },
  run: () => Promise<RunResult>,
  signal: AbortSignal,
): KeptRunning {
  const { kind, log } = options
  let due = Promise.withResolvers<void>()
  const becomeDue = () => due.resolve()

  async function keep(): Promise<void> {
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
  }

  async function succeeds(): Promise<boolean> {
    try {
      return !isToBeRepeated(await run())
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

  return { becomeDue, ended: keep() }
}
