import type { Handler } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { withLastSeen } from '../store/last-seen.ts'
import type { Db } from '../store/tables.ts'

/** How the named users are, as it is: `unknown` while that cannot be told, never `offline` in doubt. */
export const getPresence =
  (needs: {
    registry: Pick<ConnectionRegistry, 'statesOf'>
    db: Db
    log: Logger
  }): Handler<typeof presence.calls.getPresence> =>
  async ({ userIds }) => {
    const states = await needs.registry.statesOf(userIds)
    return {
      states: await withLastSeen(
        needs,
        [...states].map(([userId, state]) => ({ userId, ...state })),
      ),
    }
  }
