import { consume, type Bus } from '@parley/bus'
import { messaging } from '@parley/contracts'
import type { AuditLog } from '../audit/audit-log.ts'

/** Writes changes of roles in conversations to the audit log: each once, however often it is told. */
export function hearRoleChanges(bus: Bus, audit: AuditLog): AsyncDisposable {
  return consume(bus, { contract: messaging, event: messaging.events.memberChanged }, (payload) => {
    const { conversationId, version, member, changedBy = null } = payload
    return audit.record({
      action: 'role-changed',
      actorId: changedBy,
      userId: member.userId,
      details: { conversationId, role: member.role, version },
      onceAs: `role-changed ${conversationId} ${version}`,
    })
  })
}
