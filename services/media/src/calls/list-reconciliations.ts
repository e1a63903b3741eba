import type { Handler } from '@parley/bus'
import type { media } from '@parley/contracts'
import { listReconciliations as list } from '../store/reconciliations.ts'
import type { Db } from '../store/tables.ts'

const MOST = 30

export const listReconciliations =
  ({ db }: { db: Db }): Handler<typeof media.calls.listReconciliations> =>
  async () => ({ reconciliations: await list(db, MOST) })
