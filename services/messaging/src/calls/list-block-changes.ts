import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listBlockChanges as readBlockChanges } from '../store/block-changes.ts'
import type { Db } from '../store/tables.ts'

/** About 160 bytes each: a page has less than 512 KB. */
const CHANGES_PER_PAGE = 3_000

export function listBlockChanges({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listBlockChanges']> {
  return async ({ withinMs, after }) => {
    const changes = await readBlockChanges(db, { withinMs, after, limit: CHANGES_PER_PAGE })
    const last = changes.length === CHANGES_PER_PAGE ? changes.at(-1)! : undefined
    return { changes, next: last === undefined ? null : { userId: last.userId, blockedId: last.blockedId } }
  }
}
