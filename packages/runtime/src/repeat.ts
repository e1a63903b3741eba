import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from './logger.ts'

export interface Repeating extends AsyncDisposable {
  /** Does not wait for the rest of the pause. Calls during a run lead to one more run. */
  hurry(): void
}

/**
 * Runs `work` again and again, with `everyMs` between the end of one run and the start of the next. A run that fails is
 * logged and the next one comes as usual. Disposing waits for the run under way.
 */
export function repeat(
  name: string,
  options: { everyMs: number; log: Logger },
  work: (signal: AbortSignal) => Promise<unknown>,
): Repeating {
  const stopping = new AbortController()
  let hurried = Promise.withResolvers<void>()

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      hurried = Promise.withResolvers<void>()
      try {
        await work(stopping.signal)
      } catch (error) {
        if (!stopping.signal.aborted) options.log.error({ error, job: name }, 'job failed')
      }
      await pause()
    }
  }

  async function pause(): Promise<void> {
    const pausing = new AbortController()
    const signal = AbortSignal.any([pausing.signal, stopping.signal])
    await Promise.race([hurried.promise, delay(options.everyMs, undefined, { signal }).catch(() => undefined)])
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
