import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { findVisibleMessage } from '../store/message-changes.ts'
import { findReader } from '../store/readers.ts'
import type { Db } from '../store/tables.ts'

export function seesMessage({
  db,
  retention,
}: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['seesMessage']> {
  return async ({ userId, conversationId, messageId }) => {
    const reader = await findReader(db, conversationId, userId)
    if (reader === undefined) return { sees: false }
    const message = await findVisibleMessage(db, {
      conversationId,
      messageId,
      visibleFromSequence: visibleFrom(reader, reader),
      keptSince: retention.filesKeptSince(reader),
    })
    if (message === undefined || message.deletedAt !== null) return { sees: false }
    // Files that have gone do not come back when they would be kept longer.
    return { sees: reader.filesKeptFrom === null || message.createdAt >= reader.filesKeptFrom }
  }
}
