import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'

const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 5_000

/** Tries again, with growing pauses, until it works or is no longer wanted. Resolves to undefined when it was given up. */
export async function retrying<Result>(
  what: string,
  options: { wanted: () => boolean; log: Logger },
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  let pauseMs = FIRST_PAUSE_MS
  while (options.wanted()) {
    try {
      return await work()
    } catch (error) {
      options.log.warn({ error, what }, 'will be tried again')
      await delay(pauseMs)
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
    }
  }
  return undefined
}
