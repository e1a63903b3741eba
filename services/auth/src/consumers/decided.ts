import { consume, type Bus } from '@parley/bus'
import { retention } from '@parley/contracts'
import type { AuditLog } from '../audit/audit-log.ts'

/** Writes what administrators decide about what is kept to the audit log: each decision once, however often it is told. */
export function hearDecisions(bus: Bus, audit: AuditLog): AsyncDisposable {
  return consume(bus, { contract: retention, event: retention.events.decided }, (payload) => {
    const { decisionId, action, actorId, userId, details } = payload
    return audit.record({ action, actorId, userId, details, onceAs: `decided ${decisionId}` })
  })
}
