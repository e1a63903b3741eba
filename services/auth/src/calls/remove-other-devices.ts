import type { Handler } from '@parley/bus'
import type { auth } from '@parley/contracts'
import type { Sessions } from '../sessions/sessions.ts'

export const removeOtherDevices =
  (sessions: Sessions): Handler<typeof auth.calls.removeOtherDevices> =>
  async ({ actor: { userId, sessionId = null } }) => ({
    removed: await sessions.endAllOf(userId, 'removed_by_user', {
      except: sessionId,
      actorId: userId,
      // The caller's own token could not be told from the others that name no session.
      onlySessions: sessionId === null,
    }),
  })
