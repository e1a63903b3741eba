import type { RetentionPolicy } from '@parley/protocol'
import type { PolicyRow } from '../store/tables.ts'

export function policyOf({ conversationId, kind, messageDays, fileDays, ...row }: PolicyRow): RetentionPolicy {
  const { changedBy, changedAt } = row
  return { conversationId, kind, messageDays, fileDays, changedBy, changedAt: changedAt.toISOString() }
}
