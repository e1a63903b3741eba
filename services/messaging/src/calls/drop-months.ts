import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import type { Telling } from '../delivery/open-telling.ts'
import { periodsOf } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { dropMonths as dropEmptyMonths, type Known } from '../store/drop-months.ts'
import { shortestOwnDays } from '../store/expiring.ts'
import type { Db } from '../store/tables.ts'

/** Within what the caller waits. */
const PART_MS = 30_000

/** Whatever is asked, a month that holds what messaging still shows stays. */
export function dropMonths(parts: {
  db: Db
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['dropMonths']> {
  const { db, telling, retention } = parts
  const known: Known = { kept: new Map(), emptied: new Map() }
  return async () => {
    const endsAt = performance.now() + PART_MS
    try {
      return await dropEmptyMonths(db, {
        now: retention.now(),
        shortestDays: Math.min(...daysOf(retention), (await shortestOwnDays(db)) ?? Infinity),
        known,
        isOver: () => performance.now() >= endsAt,
        async tell(row) {
          telling.tell(row)
          await telling.untilRoom()
        },
      })
    } catch (error) {
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}

const daysOf = ({ rules }: Retention): number[] =>
  (['direct', 'group', 'channel'] as const).map(
    (kind) => periodsOf(rules, { kind, messageDays: null, fileDays: null }).messageDays,
  )
