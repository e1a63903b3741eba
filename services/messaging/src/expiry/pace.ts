import { setTimeout as delay } from 'node:timers/promises'

/** Work in small steps that leaves at least half of the time to others, and ends in time. */
export interface Pace {
  /** Whether the rest is for another time. */
  readonly isOver: boolean
  /** Between two steps: as long as the last one took. */
  pause(): Promise<void>
}

const LONGEST_PAUSE_MS = 200

export function paceFor(budgetMs: number): Pace {
  const endsAt = performance.now() + budgetMs
  let resumedAt = performance.now()
  return {
    get isOver() {
      return performance.now() >= endsAt
    },
    async pause() {
      await delay(Math.min(LONGEST_PAUSE_MS, performance.now() - resumedAt))
      resumedAt = performance.now()
    },
  }
}
