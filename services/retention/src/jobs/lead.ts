import { repeat, type Logger, type Repeating } from '@parley/runtime'
import type { Lead } from '../store/leader-lock.ts'

/**
 * Has the work done by one of all instances: this one tries to take the lead, and works until it loses it or stops. Others
 * take over within `everyMs`.
 */
export function lead(
  options: { tryToLead: () => Promise<Lead | undefined>; everyMs: number; log: Logger },
  work: (signal: AbortSignal) => Promise<unknown>,
): Repeating {
  const { log } = options
  return repeat('lead', options, async (stopping) => {
    await using held = await options.tryToLead()
    if (!held) return
    log.info('leads')
    await work(AbortSignal.any([stopping, held.lost]))
    log.info('leads no longer')
  })
}
