import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { tellsReceipts } from '../domain/capabilities.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { findVisibleMessage } from '../store/message-changes.ts'
import { findReader } from '../store/readers.ts'
import { countReceipts, listReceipts } from '../store/receipts.ts'
import type { Db } from '../store/tables.ts'

export function getReceipts(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['getReceipts']> {
  const { db, retention } = parts
  return async ({ actor, conversationId, messageId }) => {
    const reader = await findReader(db, conversationId, actor.userId)
    if (reader === undefined) throw refuse.not_a_member()
    const visibleFromSequence = visibleFrom(reader, reader)
    const place = { conversationId, messageId, visibleFromSequence, keptSince: retention.keptSince(reader) }
    const message = await findVisibleMessage(db, place)
    if (message === undefined) throw refuse.message_not_found()
    if (!tellsReceipts(reader)) return { receipts: [], ...(await countReceipts(db, message)) }
    const receipts = await listReceipts(db, message)
    return {
      receipts,
      deliveredCount: receipts.filter(({ deliveredAt }) => deliveredAt !== null).length,
      readCount: receipts.filter(({ readAt }) => readAt !== null).length,
      memberCount: receipts.length,
    }
  }
}
