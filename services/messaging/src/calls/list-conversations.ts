import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { z } from 'zod'
import { DEFAULT_PAGE_SIZE, firstThatFit, readCursor, writeCursor } from '../domain/page.ts'
import type { Retention } from '../retention.ts'
import { listOwnConversations } from '../store/own-conversations.ts'
import type { Db } from '../store/tables.ts'

const Place = z.tuple([z.iso.datetime({ precision: 3 }), z.uuid()])

export function listConversations(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['listConversations']> {
  const { db, retention } = parts
  return async ({ actor, cursor, limit = DEFAULT_PAGE_SIZE }) => {
    const after = cursor === undefined ? undefined : placeOf(cursor)
    const { userId } = actor
    const found = await listOwnConversations(db, retention, { userId, ...(after && { after }), limit: limit + 1 })
    const shown = firstThatFit(found.slice(0, limit))
    const last = shown.at(-1)
    const hasMore = found.length > shown.length && last !== undefined
    return {
      conversations: shown.map(({ conversation }) => conversation),
      nextCursor: hasMore ? writeCursor([last.lastActivityAt, last.conversation.id]) : null,
    }
  }
}

function placeOf(cursor: string): { lastActivityAt: Date; conversationId: string } {
  const place = Place.safeParse(readCursor(cursor))
  if (!place.success) throw refuse.invalid_input({}, 'The cursor is not one that was given out.')
  const [lastActivityAt, conversationId] = place.data
  return { lastActivityAt: new Date(lastActivityAt), conversationId }
}
