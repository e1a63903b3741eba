import type { Handler } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { Outbox } from '@parley/postgres'
import { DEFAULT_STATUS } from '@parley/routing'
import type { Clock } from '@parley/runtime'
import { changeOf, statusAt } from '../chosen-status.ts'
import { changeStatus, readStatuses, type StoredStatus } from '../store/statuses.ts'
import type { Db } from '../store/tables.ts'

/** Postgres has it when this answers; Redis has it as well, or as soon as it can. */
export const setStatus =
  (needs: { db: Db; outbox: Outbox<StoredStatus>; clock: Clock }): Handler<typeof presence.calls.setStatus> =>
  async ({ actor: { userId }, ...input }) => {
    const { db, outbox, clock } = needs
    const now = clock.now()
    const change = changeOf(input, now)
    if (Object.keys(change).length === 0) {
      const statuses = await readStatuses(db, [userId])
      return statusAt(statuses.get(userId) ?? DEFAULT_STATUS, now)
    }
    const { status, row } = await changeStatus(db, userId, change, now)
    await outbox.send([row])
    return statusAt(status, now)
  }
