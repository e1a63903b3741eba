import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { limits } from '@parley/protocol'
import { firstThatFit } from '../domain/page.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { findVisibleMessage, readEdits } from '../store/message-changes.ts'
import { findReader } from '../store/readers.ts'
import type { Db } from '../store/tables.ts'

export function listEdits(parts: { db: Db; retention: Retention }): Handler<(typeof messaging)['calls']['listEdits']> {
  const { db, retention } = parts
  return async ({ actor, conversationId, messageId }) => {
    const reader = await findReader(db, conversationId, actor.userId)
    if (reader === undefined) throw refuse.not_a_member()
    const visibleFromSequence = visibleFrom(reader, reader)
    const keptSince = retention.keptSince(reader)
    const message = await findVisibleMessage(db, { conversationId, messageId, visibleFromSequence, keptSince })
    if (message === undefined) throw refuse.message_not_found()
    const latestFirst = (await readEdits(db, messageId, limits.pageSize)).map(({ replacedAt, ...edit }) => ({
      ...edit,
      replacedAt: replacedAt.toISOString(),
    }))
    return { edits: firstThatFit(latestFirst).toReversed() }
  }
}
