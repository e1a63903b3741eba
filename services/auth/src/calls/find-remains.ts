import { findEvents, type Bus, type Handler } from '@parley/bus'
import { auth } from '@parley/contracts'
import { isAboutUser } from '../domain/event-of-user.ts'
import { listRemainsOf, listStaleOutbox } from '../store/erased-users.ts'
import type { Db } from '../store/tables.ts'

const MOST = 100

export const findRemains =
  (db: Db, bus: Bus): Handler<typeof auth.calls.findRemains> =>
  async ({ erasedUserIds }) => {
    const rows = [...(await listRemainsOf(db, erasedUserIds, MOST)), ...(await listStaleOutbox(db, MOST))]
    const isErased = (payload: Readonly<Record<string, unknown>>) =>
      erasedUserIds.some((id) => isAboutUser(payload, id))
    const events =
      erasedUserIds.length === 0
        ? []
        : await findEvents(bus, auth, {
            subject: 'auth.event.>',
            isOf: (payload, subject) => subject !== auth.events.userErased.subject && isErased(payload),
            most: MOST,
          })
    return {
      counts: { 'postgres.erasedUsers': erasedUserIds.length },
      findings: [
        ...rows.map((found) => ({ store: 'postgres', ...found })),
        ...events.map((sequence) => ({ store: 'jetstream', what: 'event of an erased user', id: `AUTH ${sequence}` })),
      ].slice(0, MOST),
      cursor: null,
    }
  }
