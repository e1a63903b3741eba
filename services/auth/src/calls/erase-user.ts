import { eraseEvents, recordOf, type Bus, type EventRecord, type Handler } from '@parley/bus'
import { auth } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { AuditLog } from '../audit/audit-log.ts'
import { isAboutUser } from '../domain/event-of-user.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { forgetSessionNames, forgetUser } from '../store/erased-users.ts'
import { keepFromBeginning } from '../store/session-locks.ts'
import type { Db } from '../store/tables.ts'

/**
 * First the identities go, so that nobody can sign in as this user again, then what is signed in. Each can be done again, and
 * is when it was broken off.
 */
export function eraseUser(parts: {
  db: Db
  bus: Bus
  outbox: Outbox<EventRecord>
  sessions: Sessions
  audit: AuditLog
}): Handler<typeof auth.calls.eraseUser> {
  const { db, bus, outbox, sessions, audit } = parts

  async function forget(userId: string) {
    const { forgotten, told } = await db.transaction().execute(async (transaction) => {
      await keepFromBeginning(transaction, userId)
      const forgotten = await forgetUser(transaction, userId)
      if (!forgotten.isFirst) return { forgotten, told: undefined }
      await audit.record({ action: 'user-erased', actorId: null, userId }, transaction)
      const event = recordOf(auth.events.userErased, {}, { userId, at: new Date().toISOString() })
      return { forgotten, told: await writeOutbox(transaction, [event]) }
    })
    if (told !== undefined) await outbox.send([told])
    return forgotten
  }

  return async ({ userId }) => {
    const { isFirst, identities } = await forget(userId)
    const ended = await sessions.endAllOf(userId, 'erased')
    await forgetSessionNames(db, userId)
    const events = await eraseEvents(bus, auth, {
      subject: 'auth.event.>',
      isOf: (payload, subject) => subject !== auth.events.userErased.subject && isAboutUser(payload, userId),
    })
    return {
      counts: {
        'postgres.profiles': isFirst ? 1 : 0,
        'postgres.identities': identities,
        'postgres.sessions': ended,
        'jetstream.events': events,
      },
      cursor: null,
      outcome: 'done',
    }
  }
}
