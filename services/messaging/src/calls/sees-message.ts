import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Retention } from '../retention.ts'
import { findMember } from '../store/members.ts'
import { findVisibleMessage } from '../store/message-changes.ts'
import type { Db } from '../store/tables.ts'

export function seesMessage({
  db,
  retention,
}: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['seesMessage']> {
  return async ({ userId, conversationId, messageId }) => {
    const member = await findMember(db, conversationId, userId)
    if (member === undefined) return { sees: false }
    const { visibleFromSequence } = member
    const place = { conversationId, messageId, visibleFromSequence, keptSince: retention.keptSince() }
    const message = await findVisibleMessage(db, place)
    return { sees: message !== undefined && message.deletedAt === null }
  }
}
