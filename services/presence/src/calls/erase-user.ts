import { eraseEvents, type Bus, type Handler } from '@parley/bus'
import { presence } from '@parley/contracts'
import type { ConnectionRegistry } from '@parley/routing'
import { forgetUser } from '../store/erased-users.ts'
import type { Db } from '../store/tables.ts'

/** Waits until the user has gone and others were told so: signed out, they do within seconds. */
export const eraseUser =
  (needs: {
    bus: Bus
    db: Db
    registry: Pick<ConnectionRegistry, 'forgetUser'>
  }): Handler<typeof presence.calls.eraseUser> =>
  async ({ userId }) => {
    const { bus, db, registry } = needs
    if ((await registry.forgetUser(userId)) === 'present') return { counts: {}, cursor: null, outcome: 'waiting' }
    const { statuses, lastSeen } = await forgetUser(db, userId)
    const events = await eraseEvents(bus, presence, { subject: `presence.event.*.${userId}`, isOf: () => true })
    return {
      counts: {
        'redis.users': 1,
        'postgres.statuses': statuses,
        'postgres.lastSeen': lastSeen,
        'jetstream.events': events,
      },
      cursor: null,
      outcome: 'done',
    }
  }
