import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { endMembership } from '../changes/end-membership.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Db } from '../store/tables.ts'

export function leaveConversation(parts: {
  db: Db
  telling: Telling
}): Handler<(typeof messaging)['calls']['leaveConversation']> {
  return async ({ actor: { userId }, conversationId }) => {
    parts.telling.tell(await endMembership(parts.db, { conversationId, actorId: userId, userId }))
    return {}
  }
}
