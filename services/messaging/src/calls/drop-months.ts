import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import { dropMonths as dropMonthsBefore } from '../store/months.ts'
import type { Db } from '../store/tables.ts'

export function dropMonths(parts: { db: Db; clock: Clock }): Handler<(typeof messaging)['calls']['dropMonths']> {
  return ({ endedBefore }) => dropMonthsBefore(parts.db, { now: parts.clock.now(), endedBefore: new Date(endedBefore) })
}
