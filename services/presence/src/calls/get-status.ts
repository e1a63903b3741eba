import type { Handler } from '@parley/bus'
import type { presence } from '@parley/contracts'
import { DEFAULT_STATUS } from '@parley/routing'
import type { Clock } from '@parley/runtime'
import { statusAt } from '../chosen-status.ts'
import { readStatuses } from '../store/statuses.ts'
import type { Db } from '../store/tables.ts'

/** What the caller has chosen to show, as it holds now. */
export const getStatus =
  ({ db, clock }: { db: Db; clock: Clock }): Handler<typeof presence.calls.getStatus> =>
  async ({ actor: { userId } }) => {
    const statuses = await readStatuses(db, [userId])
    return statusAt(statuses.get(userId) ?? DEFAULT_STATUS, clock.now())
  }
