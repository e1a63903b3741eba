import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import type { Retention } from '../retention.ts'
import { findOwnConversation } from '../store/own-conversations.ts'
import type { Db } from '../store/tables.ts'

export function getConversation(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['getConversation']> {
  return async ({ actor, conversationId }) => {
    const own = { conversationId, userId: actor.userId }
    const conversation = await findOwnConversation(parts.db, parts.retention, own)
    if (conversation === undefined) throw refuse.not_a_member()
    return conversation
  }
}
