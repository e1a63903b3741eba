import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Db } from '../store/tables.ts'
import { findUser } from '../store/users.ts'

/** For administrators: the gateway has made sure of that. */
export const signOutUser =
  (db: Db, sessions: Sessions, audit: AuditLog): Handler<typeof auth.calls.signOutUser> =>
  async ({ actor: { userId: actorId }, userId }) => {
    if ((await findUser(db, userId)) === undefined) throw refuse.user_not_found()
    await audit.record({ action: 'user-signed-out', actorId, userId })
    return { removed: await sessions.endAllOf(userId, 'removed_by_admin', { actorId }) }
  }
