import type { AuditLog } from '../audit/audit-log.ts'
import { listSessionsOfBrowser, signOutBrowser } from '../store/browsers.ts'
import { deleteGrants } from '../store/session-artifacts.ts'
import { keepFromBeginning } from '../store/session-locks.ts'
import { endSessions, findSessionOwner, type EndedSession } from '../store/sessions.ts'
import type { DbTransaction } from '../store/tables.ts'
import type { EndReason } from './sessions.ts'

/** With what the provider has of them, and the entries in the audit log. Answers those that had not ended before. */
export async function endInTransaction(
  transaction: DbTransaction,
  sessionIds: readonly string[],
  { reason, actorId, audit }: { reason: EndReason; actorId: string | null; audit: AuditLog },
): Promise<EndedSession[]> {
  const ended = await endSessions(transaction, sessionIds, reason)
  await deleteGrants(
    transaction,
    ended.map(({ id }) => id),
  )
  // The second one is what to look for: somebody has a token that they should not have.
  const actions = reason === 'refresh_reused' ? ['session-ended', 'refresh-reused'] : ['session-ended']
  const entries = ended.flatMap(({ id: sessionId, userId, client }) =>
    actions.map((action) => ({ action, actorId, userId, details: { sessionId, client, reason } })),
  )
  await audit.recordAll(entries, transaction)
  return ended
}

/** Answers the other sessions that end with it: those of all apps in the browser. Until COMMIT its user begins none. */
export async function signOutItsBrowser(
  transaction: DbTransaction,
  sessionId: string,
  spare: string | null,
): Promise<string[]> {
  const userId = await findSessionOwner(transaction, sessionId)
  if (userId === undefined) return []
  await keepFromBeginning(transaction, userId)
  const sessionIds = await listSessionsOfBrowser(transaction, sessionId, spare)
  await signOutBrowser(transaction, sessionId, spare)
  return sessionIds
}
