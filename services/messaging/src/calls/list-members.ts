import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { Counter } from '@parley/protocol'
import { z } from 'zod'
import { DEFAULT_PAGE_SIZE, readCursor, writeCursor } from '../domain/page.ts'
import { findMember, listMembers as listMemberRows, memberOf } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

const Place = z.tuple([Counter, z.uuid()])

export function listMembers({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listMembers']> {
  return async ({ actor, conversationId, cursor, limit = DEFAULT_PAGE_SIZE }) => {
    const after = cursor === undefined ? undefined : placeOf(cursor)
    if ((await findMember(db, conversationId, actor.userId)) === undefined) throw refuse.not_a_member()
    const found = await listMemberRows(db, conversationId, { ...(after && { after }), limit: limit + 1 })
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    const hasMore = found.length > limit && last !== undefined
    return {
      members: shown.map(memberOf),
      nextCursor: hasMore ? writeCursor([last.joinedVersion, last.userId]) : null,
    }
  }
}

function placeOf(cursor: string): { joinedVersion: number; userId: string } {
  const place = Place.safeParse(readCursor(cursor))
  if (!place.success) throw refuse.invalid_input({}, 'The cursor is not one that was given out.')
  const [joinedVersion, userId] = place.data
  return { joinedVersion, userId }
}
