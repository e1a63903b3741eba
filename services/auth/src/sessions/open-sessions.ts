import type { Bus, EventRecord } from '@parley/bus'
import type { Outbox } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import type { AuditLog } from '../audit/audit-log.ts'
import { isBrowserSignedIn } from '../store/browsers.ts'
import { isErased } from '../store/erased-users.ts'
import { waitToBegin } from '../store/session-locks.ts'
import { insertSession, noteUse, type NewSession } from '../store/sessions.ts'
import type { Db } from '../store/tables.ts'
import { createEnding } from './ending.ts'
import type { Sessions } from './sessions.ts'

/** Any number of instances work on the same sessions. */
export function openSessions(options: {
  db: Db
  bus: Bus
  outbox: Outbox<EventRecord>
  audit: AuditLog
  log: Logger
}): Sessions {
  const { db, audit } = options
  const ending = createEnding(options)

  async function begin(session: NewSession, browserId: string | null): Promise<boolean> {
    return await db.transaction().execute(async (transaction) => {
      await waitToBegin(transaction, session.userId)
      if (await isErased(transaction, session.userId)) return false
      if (browserId !== null && !(await isBrowserSignedIn(transaction, browserId))) return false
      const state = await insertSession(transaction, session)
      if (state === 'begun') {
        const { id: sessionId, userId, client } = session
        const entry = { action: 'session-begun', actorId: userId, userId, details: { sessionId, client } }
        await audit.record(entry, transaction)
      }
      return state !== 'ended'
    })
  }

  return {
    ...ending,
    begin: ({ browserId, ...session }) => begin({ ...session, external: false }, browserId),

    async use(sessionId) {
      return (await noteUse(db, sessionId)) === 'open'
    },

    async recognize({ id, userId, issuer }) {
      const state = await noteUse(db, id)
      if (state === 'unknown') await begin({ id, userId, client: issuer, name: null, external: true }, null)
      else if (state === 'ended') await ending.revokeAgain(id, userId)
    },
  }
}
