import type { Hold } from '@parley/protocol'
import type { HoldRow } from '../store/tables.ts'

export function holdOf({
  id,
  userId,
  conversationId,
  reason,
  placedBy,
  placedAt,
  releasedBy,
  releasedAt,
}: HoldRow): Hold {
  return {
    id,
    userId,
    conversationId,
    reason,
    placedBy,
    placedAt: placedAt.toISOString(),
    releasedBy,
    releasedAt: releasedAt?.toISOString() ?? null,
  }
}
