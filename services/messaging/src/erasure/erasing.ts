import type { Bus } from '@parley/bus'
import type { Counts } from '@parley/contracts'
import type { OutboxRow } from '@parley/postgres'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { TellBlockChange } from '../delivery/tell-block-change.ts'
import type { Change } from '../domain/change.ts'
import type { Pace } from '../expiry/pace.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export interface ErasingParts {
  readonly db: Db
  /** For what locks conversations. */
  readonly changesDb: Db
  readonly turns: Turns
  readonly telling: Telling
  readonly tellBlockChange: TellBlockChange
  readonly retention: Retention
  readonly bus: Bus
}

/** What the steps of one part of a user's erasure share. */
export interface Erasing extends ErasingParts {
  readonly userId: string
  readonly pace: Pace
  /** What was erased so far. */
  readonly counts: Counts
  /** After each small step: tells what it has committed and makes room for others. */
  done(step: { counts: Counts; told?: OutboxRow<Change> | undefined }): Promise<void>
}

export function beginErasing(parts: ErasingParts, { userId, pace }: { userId: string; pace: Pace }): Erasing {
  const counts: Counts = {}
  return {
    ...parts,
    userId,
    pace,
    counts,
    async done(step) {
      for (const [name, count] of Object.entries(step.counts)) {
        if (count > 0) counts[name] = (counts[name] ?? 0) + count
      }
      if (step.told !== undefined) {
        parts.telling.tell(step.told)
        await parts.telling.untilRoom()
      }
      await pace.pause()
    },
  }
}
