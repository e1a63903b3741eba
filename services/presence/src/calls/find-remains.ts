import { findEvents, type Bus, type Handler } from '@parley/bus'
import { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import { listRemainsOf } from '../store/erased-users.ts'
import type { Db } from '../store/tables.ts'

const MOST = 100

export const findRemains =
  (needs: {
    bus: Bus
    db: Db
    registry: Pick<ConnectionRegistry, 'findKnownUsers'>
  }): Handler<typeof presence.calls.findRemains> =>
  async ({ erasedUserIds }) => {
    const { bus, db, registry } = needs
    const erased = new Set(erasedUserIds)
    const rows = await listRemainsOf(db, erasedUserIds, MOST)
    const known = await registry.findKnownUsers(erasedUserIds)
    const events =
      erased.size === 0
        ? []
        : await findEvents(bus, presence, {
            subject: 'presence.event.>',
            isOf: ({ userId }) => typeof userId === 'string' && erased.has(userId),
            most: MOST,
          })
    return {
      counts: { 'redis.erasedUsers': erased.size, 'postgres.erasedUsers': erased.size },
      findings: [
        ...rows.map((found) => ({ store: 'postgres', ...found })),
        ...known.map((id) => ({ store: 'redis', what: 'presence of an erased user', id })),
        ...events.map((seq) => ({ store: 'jetstream', what: 'event of an erased user', id: `PRESENCE ${seq}` })),
      ].slice(0, MOST),
      cursor: null,
    }
  }
