import type { Handler } from '@parley/bus'
import type { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { withLastSeen } from '../store/last-seen.ts'
import { readStatuses } from '../store/statuses.ts'
import type { Db } from '../store/tables.ts'

export const exportUser =
  (needs: {
    db: Db
    registry: Pick<ConnectionRegistry, 'statesOf'>
    log: Logger
  }): Handler<typeof presence.calls.exportUser> =>
  async ({ userId }) => {
    const { db, registry } = needs
    const chosen = (await readStatuses(db, [userId])).get(userId)
    const states = [...(await registry.statesOf([userId]))].map(([id, state]) => ({ ...state, userId: id }))
    const [seen] = await withLastSeen(needs, states)
    const records = [
      { kind: 'last-seen', data: { status: seen?.status ?? 'unknown', lastSeenAt: seen?.lastSeenAt ?? null } },
    ]
    if (chosen === undefined) return { records, files: [], cursor: null }
    const { status, text, until, visibleTo } = chosen
    const data = { status, text, until: until?.toISOString() ?? null, visibleTo }
    return { records: [...records, { kind: 'status', data }], files: [], cursor: null }
  }
