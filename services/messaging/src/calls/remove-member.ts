import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { endMembership } from '../changes/end-membership.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Db } from '../store/tables.ts'

export function removeMember(parts: {
  db: Db
  telling: Telling
}): Handler<(typeof messaging)['calls']['removeMember']> {
  return async ({ actor, conversationId, userId }) => {
    parts.telling.tell(await endMembership(parts.db, { conversationId, actorId: actor.userId, userId }))
    return {}
  }
}
