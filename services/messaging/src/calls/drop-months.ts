import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import type { Retention } from '../retention.ts'
import { dropMonths as dropMonthsBefore } from '../store/months.ts'
import type { Db } from '../store/tables.ts'

/** Whatever is asked, a month that holds what messaging still shows stays. */
export function dropMonths(parts: {
  db: Db
  clock: Clock
  retention: Retention
}): Handler<(typeof messaging)['calls']['dropMonths']> {
  return ({ endedBefore: asked }) => {
    const endedBefore = new Date(Math.min(Date.parse(asked), parts.retention.keptSince().getTime()))
    return dropMonthsBefore(parts.db, { now: parts.clock.now(), endedBefore })
  }
}
