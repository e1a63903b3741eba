import type { Clock } from '@parley/runtime'

/** How long messages are kept. Older ones are hidden from every read at once, whenever they are physically gone. */
export interface Retention {
  readonly days: number
  /** Messages created at or before this moment are hidden. */
  keptSince(): Date
}

const DAY_MS = 24 * 60 * 60 * 1000

export function retentionOf(days: number, clock: Clock): Retention {
  return { days, keptSince: () => new Date(clock.now().getTime() - days * DAY_MS) }
}
