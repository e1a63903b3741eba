import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { DEFAULT_PAGE_SIZE, firstThatFit } from '../domain/page.ts'
import type { Retention } from '../retention.ts'
import { findMember } from '../store/members.ts'
import { readMessages } from '../store/messages.ts'
import type { Db } from '../store/tables.ts'

export function getMessages(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['getMessages']> {
  const { db, retention } = parts
  return async ({ actor, conversationId, before, after, limit = DEFAULT_PAGE_SIZE }) => {
    const member = await findMember(db, conversationId, actor.userId)
    if (member === undefined) throw refuse.not_a_member()
    const { visibleFromSequence } = member
    const keptSince = retention.keptSince()
    const place = { conversationId, visibleFromSequence, keptSince, before, after, limit }
    // The nearest to the named place come first, so that a bound cuts off the farthest.
    const nearestFirst = firstThatFit(await readMessages(db, place))
    return { messages: nearestFirst.toSorted((a, b) => a.sequence - b.sequence) }
  }
}
