import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import { listOpenSessions } from '../store/sessions.ts'
import type { Db } from '../store/tables.ts'
import { findUser } from '../store/users.ts'

const MAX_DEVICES = 100

export const listDevices =
  (db: Db): Handler<typeof auth.calls.listDevices> =>
  async ({ actor }) => {
    const { userId } = actor
    const [me, sessions] = await Promise.all([findUser(db, userId), listOpenSessions(db, userId, MAX_DEVICES)])
    if (me === undefined) throw refuse.unauthenticated()
    return {
      devices: sessions.map(({ createdAt, lastUsedAt, ...session }) => ({
        ...session,
        createdAt: createdAt.toISOString(),
        lastUsedAt: lastUsedAt.toISOString(),
        current: session.id === actor.sessionId,
      })),
    }
  }
