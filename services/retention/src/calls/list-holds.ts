import type { Handler } from '@parley/bus'
import type { retention } from '@parley/contracts'
import { z } from 'zod'
import { holdOf } from '../holds/hold-of.ts'
import { listHolds as list } from '../store/holds.ts'
import type { Db } from '../store/tables.ts'
import { DEFAULT_PAGE_SIZE, readCursor, writeCursor } from './cursor.ts'

const Place = z.tuple([z.iso.datetime({ precision: 3 }), z.guid()])

export function listHolds({ db }: { db: Db }): Handler<(typeof retention)['calls']['listHolds']> {
  return async ({ cursor, limit = DEFAULT_PAGE_SIZE, userId, conversationId, released = false }) => {
    const [placedAt, id] = cursor === undefined ? [] : readCursor(cursor, Place)
    const before = placedAt === undefined || id === undefined ? undefined : { placedAt: new Date(placedAt), id }
    const found = await list(db, { userId, conversationId, released, before, limit: limit + 1 })
    const page = found.slice(0, limit).map(holdOf)
    const last = page.at(-1)
    const hasMore = found.length > limit && last !== undefined
    return { holds: page, nextCursor: hasMore ? writeCursor([last.placedAt, last.id]) : null }
  }
}
