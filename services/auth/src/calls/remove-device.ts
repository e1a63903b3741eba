import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import type { Sessions } from '../sessions/sessions.ts'
import { isOpenSessionOf } from '../store/sessions.ts'
import type { Db } from '../store/tables.ts'

export const removeDevice =
  (db: Db, sessions: Sessions): Handler<typeof auth.calls.removeDevice> =>
  async ({ actor, deviceId }) => {
    const { userId, sessionId = null } = actor
    // The same for one of somebody else's, and for none at all.
    if (!(await isOpenSessionOf(db, userId, deviceId))) throw refuse.device_not_found()
    const spare = sessionId === deviceId ? null : sessionId
    const ended = await sessions.end(deviceId, 'removed_by_user', { actorId: userId, spare })
    if (!ended) throw refuse.device_not_found()
    return {}
  }
