import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'

/**
 * What comes after the drain, one after the other, and how long each may take at the worst: with NATS and Redis away or
 * frozen, services that do not answer, and clients that read nothing.
 */
export const stopTimesMs = {
  /**
   * Of the last connection: its invocations finish (5 s), it agrees to its end (3 s), presence hears of it (1 s); and the
   * ticks in which these are counted.
   */
  hub: 11_000,
  /** Requests that arrived before the door was shut. */
  http: 2_000,
  /** Marks are passed on (3 s), and what is under way in the background ends. */
  live: 4_000,
  /** What is under way in Redis (1 s each command), and the farewell (2 s). */
  routing: 4_000,
  /** What NATS still has to take (1.5 s). */
  bus: 2_000,
} as const

/** How long a gateway may take to stop, besides its drain. */
export const AFTER_DRAIN_MS = Object.values(stopTimesMs).reduce((sum: number, timeMs) => sum + timeMs, 0)

/**
 * Waits for a part to stop, but not for longer than that: what comes after it has to stop, too. What it then still does
 * it does beside the rest.
 */
export async function stopInTime(
  part: string,
  stopping: PromiseLike<void>,
  options: { timeoutMs: number; log: Logger },
): Promise<void> {
  const { timeoutMs, log } = options
  const patience = new AbortController()
  const late = delay(timeoutMs, 'late', { signal: patience.signal })
  try {
    if ((await Promise.race([stopping, late])) !== 'late') return
  } finally {
    patience.abort()
  }
  log.warn({ part, timeoutMs }, 'did not stop in time')
  stopping.then(undefined, (error: unknown) => log.warn({ error, part }, 'could not be stopped'))
}

/** Like the stack's own `use`, but each part is given up when its time is over. */
export function usingInTime(stack: AsyncDisposableStack, log: Logger) {
  return <Part extends AsyncDisposable>(name: keyof typeof stopTimesMs, part: Part): Part => {
    stack.defer(() => stopInTime(name, part[Symbol.asyncDispose](), { timeoutMs: stopTimesMs[name], log }))
    return part
  }
}
