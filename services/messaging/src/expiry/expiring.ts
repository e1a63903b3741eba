import type { Counts } from '@parley/contracts'
import type { OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'
import type { Pace } from './pace.ts'

/** What the steps of one part of an expiry share. */
export interface Expiry {
  readonly db: Db
  readonly retention: Retention
  readonly pace: Pace
  /** Messages for which only the default rule holds are left to their month. */
  readonly leaveDefaultToMonths: boolean
  /** What was done so far. */
  readonly counts: Counts
  /** After each step: tells what it has committed and makes room for others. */
  done(step: { counts: Counts; told: OutboxRow<Change> | undefined }): Promise<void>
}

export function beginExpiry(
  parts: Pick<Expiry, 'db' | 'retention' | 'pace' | 'leaveDefaultToMonths'> & { telling: Telling },
): Expiry {
  const { telling, ...rest } = parts
  const counts: Counts = {}
  return {
    ...rest,
    counts,
    async done(step) {
      for (const [name, count] of Object.entries(step.counts)) {
        if (count > 0) counts[name] = (counts[name] ?? 0) + count
      }
      if (step.told !== undefined) {
        telling.tell(step.told)
        await telling.untilRoom()
      }
      await rest.pace.pause()
    },
  }
}
