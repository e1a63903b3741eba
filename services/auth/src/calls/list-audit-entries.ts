import type { Handler } from '@parley/bus'
import { refuse, type auth } from '@parley/contracts'
import type { AuditLog } from '../audit/audit-log.ts'
import { listAuditEntries as listEntries } from '../store/audit-entries.ts'
import type { Db } from '../store/tables.ts'

const PAGE_SIZE = 50

/** For administrators: the gateway has made sure of that. Who reads is written down too. */
export const listAuditEntries =
  (db: Db, audit: AuditLog): Handler<typeof auth.calls.listAuditEntries> =>
  async ({ actor, userId, action, cursor, limit = PAGE_SIZE }) => {
    const before = cursor === undefined ? null : placeOf(cursor)
    const entries = await listEntries(db, { userId, action, before, limit: limit + 1 })
    const page = entries.slice(0, limit)
    await audit.record({
      action: 'audit-read',
      actorId: actor.userId,
      userId: userId ?? null,
      details: { entries: page.length, ...(action !== undefined && { action }), ...(before !== null && { before }) },
    })
    return { entries: page, nextCursor: entries.length > limit ? page.at(-1)!.id : null }
  }

/** The id of the last entry of the page before. */
function placeOf(cursor: string): number {
  const id = Number(cursor)
  if (!/^[1-9]\d*$/.test(cursor) || !Number.isSafeInteger(id)) throw refuse.invalid_input({}, 'The cursor is not one.')
  return id
}
