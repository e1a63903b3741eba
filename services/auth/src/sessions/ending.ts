import { recordOf, type Bus, type EventRecord } from '@parley/bus'
import { auth, type Revocation } from '@parley/contracts'
import { violatedConstraint, writeOutbox, type Outbox, type OutboxRow } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import type { AuditLog } from '../audit/audit-log.ts'
import { insertRevocations, isSessionRevokedFor, type NewRevocation } from '../store/revocations.ts'
import { deleteArtifactsOfUser } from '../store/session-artifacts.ts'
import { keepFromBeginning, lockSession } from '../store/session-locks.ts'
import { listOpenSessionIds, type EndedSession } from '../store/sessions.ts'
import type { Db, DbTransaction } from '../store/tables.ts'
import { endInTransaction, signOutItsBrowser } from './end-in-transaction.ts'
import type { EndReason, Sessions } from './sessions.ts'
import { tellRevocations } from './tell-gateways.ts'
import { externalSessionSeconds, externalTokenSeconds, ownTokenSeconds, untilSeconds } from './token-lives.ts'

/** Ended in one transaction: no other revocation waits for long. */
const SESSIONS_AT_ONCE = 500

/** What is told after its COMMIT. */
interface Revoked {
  readonly revocations: readonly Revocation[]
  readonly row: OutboxRow<EventRecord> | null
}

export interface Ending extends Pick<Sessions, 'end' | 'endAllOf' | 'revokeToken'> {
  /** For a session that has ended here, of which its issuer knows nothing: gateways go on refusing it. */
  revokeAgain(sessionId: string, userId: string): Promise<void>
}

/** The ends of sessions and tokens: what is committed, and is told to gateways at once and to all others by the outbox. */
export function createEnding(options: {
  db: Db
  bus: Bus
  outbox: Outbox<EventRecord>
  audit: AuditLog
  log: Logger
}): Ending {
  const { db, bus, outbox, audit, log } = options

  /** To be last in its transaction: from here on all others who revoke wait. */
  async function revoke(
    transaction: DbTransaction,
    reason: EndReason,
    revocations: readonly NewRevocation[],
  ): Promise<Revoked> {
    if (revocations.length === 0) return { revocations: [], row: null }
    const at = new Date().toISOString()
    const events = revocations.map(({ userId, sessionId = null, tokenId = null }) =>
      recordOf(auth.events.sessionRevoked, {}, { userId, sessionId, tokenId, reason, at }),
    )
    const row = await writeOutbox(transaction, events)
    return { revocations: await insertRevocations(transaction, revocations), row }
  }

  async function tell({ revocations, row }: Revoked): Promise<void> {
    tellRevocations(bus, log, revocations)
    if (row !== null) await outbox.send([row])
  }

  return {
    async end(sessionId, reason, { actorId = null, spare = null } = {}) {
      const { ended, revoked } = await db.transaction().execute(async (transaction) => {
        const withIt = isRemoval(reason) ? await signOutItsBrowser(transaction, sessionId, spare) : []
        const ended = await endInTransaction(transaction, [sessionId, ...withIt], { reason, actorId, audit })
        return { ended, revoked: await revoke(transaction, reason, ended.map(revocationOf)) }
      })
      await tell(revoked)
      return ended.some(({ id }) => id === sessionId)
    },

    async endAllOf(userId, reason, { except = null, actorId = null, onlySessions = false } = {}) {
      /** Of some of them, and first also what belongs to none. */
      async function endSome(first: boolean): Promise<{ found: number; ended: number }> {
        const { found, ended, revoked } = await db.transaction().execute(async (transaction) => {
          await keepFromBeginning(transaction, userId)
          const found = await listOpenSessionIds(transaction, userId, { except, limit: SESSIONS_AT_ONCE })
          const ended = await endInTransaction(transaction, found, { reason, actorId, audit })
          if (first) await deleteArtifactsOfUser(transaction, userId, except)
          const withoutSession = first && !onlySessions ? [{ userId, forSeconds: externalTokenSeconds }] : []
          const revoked = await revoke(transaction, reason, [...withoutSession, ...ended.map(revocationOf)])
          return { found: found.length, ended: ended.length, revoked }
        })
        await tell(revoked)
        return { found, ended }
      }

      let some = await endSome(true)
      let total = some.ended
      while (some.found === SESSIONS_AT_ONCE) {
        some = await endSome(false)
        total += some.ended
      }
      return total
    },

    async revokeToken({ userId, tokenId, expiresAt, reason }) {
      const forSeconds = untilSeconds(expiresAt)
      if (forSeconds <= 0) return
      try {
        const revoked = await db.transaction().execute(async (transaction) => {
          const entry = { action: 'token-revoked', actorId: userId, userId, details: { tokenId, reason } }
          await audit.record(entry, transaction)
          return await revoke(transaction, reason, [{ userId, tokenId, forSeconds }])
        })
        await tell(revoked)
      } catch (error) {
        // It was revoked before.
        if (violatedConstraint(error) !== 'revocations_token_id') throw error
      }
    },

    async revokeAgain(sessionId, userId) {
      if (await isSessionRevokedFor(db, sessionId, externalTokenSeconds)) return
      const revocations = await db.transaction().execute(async (transaction) => {
        await lockSession(transaction, sessionId)
        if (await isSessionRevokedFor(transaction, sessionId, externalTokenSeconds)) return []
        return await insertRevocations(transaction, [{ userId, sessionId, forSeconds: externalSessionSeconds }])
      })
      tellRevocations(bus, log, revocations)
    },
  }
}

const revocationOf = ({ id: sessionId, userId, external }: EndedSession): NewRevocation => ({
  userId,
  sessionId,
  forSeconds: external ? externalSessionSeconds : ownTokenSeconds,
})

/** By somebody who wants that browser out, not only its tokens. */
const isRemoval = (reason: EndReason): boolean => reason === 'removed_by_user' || reason === 'removed_by_admin'
