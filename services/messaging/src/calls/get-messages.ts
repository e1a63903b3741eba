import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { DEFAULT_PAGE_SIZE, firstThatFit } from '../domain/page.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { firstKeptSequence } from '../store/first-kept.ts'
import { readMessages } from '../store/messages.ts'
import { findReader, type Reader } from '../store/readers.ts'
import type { Db } from '../store/tables.ts'

export function getMessages(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['getMessages']> {
  const { db, retention } = parts

  /** What lies between the named place and the first message that is kept is gone: a reader must know that it is. */
  async function assertKept(
    conversationId: string,
    reader: Reader,
    { before, after, keptSince }: { before: number | undefined; after: number | undefined; keptSince: Date },
  ): Promise<void> {
    if (before === undefined && after === undefined) return
    const firstKept = await firstKeptSequence(db, { id: conversationId, ...reader }, keptSince)
    const from = Math.max(before ?? after! + 1, reader.visibleFromSequence)
    if (from < firstKept) {
      throw refuse.history_expired({ firstKeptSequence: firstKept }, `The first message that is kept is ${firstKept}.`)
    }
  }

  return async ({ actor, conversationId, before, after, limit = DEFAULT_PAGE_SIZE }) => {
    const reader = await findReader(db, conversationId, actor.userId)
    if (reader === undefined) throw refuse.not_a_member()
    // Once: what expires meanwhile must not make a hole.
    const keptSince = retention.keptSince(reader)
    await assertKept(conversationId, reader, { before, after, keptSince })
    const visibleFromSequence = visibleFrom(reader, reader)
    const place = { conversationId, visibleFromSequence, keptSince, before, after, limit }
    // The nearest to the named place come first, so that a bound cuts off the farthest.
    const nearestFirst = firstThatFit(await readMessages(db, place))
    return { messages: nearestFirst.toSorted((a, b) => a.sequence - b.sequence) }
  }
}
