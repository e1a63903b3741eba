import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { changeHolds } from '../store/holds.ts'
import type { Db } from '../store/tables.ts'

export function applyHolds({ db }: { db: Db }): Handler<(typeof messaging)['calls']['applyHolds']> {
  return async (asked) => {
    try {
      if (!(await changeHolds(db, asked))) throw refuse.conversation_not_found()
      return {}
    } catch (error) {
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}
