import type { AuditEntry } from '@parley/protocol'
import type { Selectable } from 'kysely'
import type { NewAuditEntry } from '../audit/audit-log.ts'
import type { AuditEntriesTable, Db } from './tables.ts'

export async function insertAuditEntries(db: Db, entries: readonly NewAuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  const rows = entries.map(({ action, actorId, userId, details = {}, onceAs = null }) => ({
    action,
    actorId,
    userId,
    details: JSON.stringify(details),
    onceAs,
  }))
  await db
    .insertInto('auditEntries')
    .values(rows)
    .onConflict((conflict) => conflict.column('onceAs').doNothing())
    .execute()
}

/** The newest first, from before an entry. Of a user: what they did, and what was done to them. */
export async function listAuditEntries(
  db: Db,
  options: { userId?: string | undefined; action?: string | undefined; before: number | null; limit: number },
): Promise<AuditEntry[]> {
  const { userId, action, before, limit } = options
  const newest = () =>
    db
      .selectFrom('auditEntries')
      .select(['id', 'at', 'action', 'actorId', 'userId', 'details'])
      .$if(before !== null, (query) => query.where('id', '<', before))
      .$if(action !== undefined, (query) => query.where('action', '=', action!))
      .orderBy('id', 'desc')
      .limit(limit)
  if (userId === undefined) return (await newest().execute()).map(entryOf)
  // Each half from its own index: an "or" would read and sort all that the user ever did.
  const halves = await Promise.all([
    newest().where('userId', '=', userId).execute(),
    newest().where('actorId', '=', userId).execute(),
  ])
  const byId = new Map(halves.flat().map((row) => [row.id, row]))
  return [...byId.values()]
    .toSorted((a, b) => b.id - a.id)
    .slice(0, limit)
    .map(entryOf)
}

function entryOf(row: Omit<Selectable<AuditEntriesTable>, 'onceAs'>): AuditEntry {
  return { ...row, id: String(row.id), at: row.at.toISOString() }
}
