import type { Handler } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import { readLastSeen } from '../store/last-seen.ts'
import type { Db } from '../store/tables.ts'

/** Who of the named users is online now. `unknown` while that cannot be told: never `offline` in doubt. */
export const getPresence =
  (needs: { registry: Pick<ConnectionRegistry, 'statesOf'>; db: Db }): Handler<typeof presence.calls.getPresence> =>
  async ({ userIds }) => {
    const states = [...(await needs.registry.statesOf(userIds))]
    // Who has just gone is still known to the registry, and not yet stored.
    const longGone = states.filter(([, { status, lastSeenAt }]) => status === 'offline' && lastSeenAt === null)
    const stored = await readLastSeen(
      needs.db,
      longGone.map(([userId]) => userId),
    )
    return {
      states: states.map(([userId, { status, lastSeenAt }]) => ({
        userId,
        status,
        lastSeenAt: (lastSeenAt ?? stored.get(userId))?.toISOString() ?? null,
      })),
    }
  }
