import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { endMembership } from '../changes/end-membership.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function leaveConversation(parts: {
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['leaveConversation']> {
  const { changesDb, turns, telling, retention } = parts
  return async ({ actor: { userId }, conversationId }) => {
    const leaving = { conversationId, actorId: userId, userId }
    telling.tell(await turns.inTurn(conversationId, () => endMembership(changesDb, leaving, retention)))
    return {}
  }
}
