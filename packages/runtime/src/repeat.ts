import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from './logger.ts'

export interface Repeating extends AsyncDisposable {
  /** Does not wait for the rest of the pause. Calls during a run lead to one more run. */
  hurry(): void
}

/**
 * Runs `work` again and again, with `everyMs` between the end of one run and the start of the next. A run that fails is
 * logged and tried again after `retryMs` (by default `everyMs`). Disposing waits for the run under way.
 */
export function repeat(
  name: string,
  options: { everyMs: number; retryMs?: number; log: Logger },
  work: (signal: AbortSignal) => Promise<unknown>,
): Repeating {
  const stopping = new AbortController()
  let hurried = Promise.withResolvers<void>()

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      hurried = Promise.withResolvers<void>()
      let pauseMs = options.everyMs
      try {
        await work(stopping.signal)
      } catch (error) {
        pauseMs = options.retryMs ?? options.everyMs
        if (!stopping.signal.aborted) options.log.error({ error, job: name }, 'job failed')
      }
      await pause(pauseMs)
    }
  }

  async function pause(pauseMs: number): Promise<void> {
    const pausing = new AbortController()
    const signal = AbortSignal.any([pausing.signal, stopping.signal])
    await Promise.race([hurried.promise, delay(pauseMs, undefined, { signal }).catch(() => undefined)])
    pausing.abort()
  }

  const done = loop()
  return {
    hurry: () => hurried.resolve(),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await done
    },
  }
}
