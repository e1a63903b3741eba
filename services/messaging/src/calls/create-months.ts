import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import type { Clock } from '@parley/runtime'
import { createMonths as makeMonths } from '../store/months.ts'
import type { Db } from '../store/tables.ts'

export function createMonths(parts: { db: Db; clock: Clock }): Handler<(typeof messaging)['calls']['createMonths']> {
  return async ({ ahead }) => {
    try {
      return await makeMonths(parts.db, { now: parts.clock.now(), ahead })
    } catch (error) {
      // Mostly a lock that was not to be had in time. Months that were made stay.
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}
