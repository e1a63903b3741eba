import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Retention } from '../retention.ts'
import { isVisible } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'

export function seesMessage({
  db,
  retention,
}: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['seesMessage']> {
  return async (asked) => ({ sees: await isVisible(db, { ...asked, keptSince: retention.keptSince() }) })
}
