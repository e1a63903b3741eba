import type { Handler } from '@parley/bus'
import type { retention } from '@parley/contracts'
import { z } from 'zod'
import { listRuns as list, runOf } from '../store/runs.ts'
import type { Db } from '../store/tables.ts'
import { DEFAULT_PAGE_SIZE, readCursor, writeCursor } from './cursor.ts'

const Place = z.tuple([z.iso.datetime({ precision: 3 }), z.guid()])

export function listRuns({ db }: { db: Db }): Handler<(typeof retention)['calls']['listRuns']> {
  return async ({ cursor, limit = DEFAULT_PAGE_SIZE, kind }) => {
    const [startedAt, id] = cursor === undefined ? [] : readCursor(cursor, Place)
    const before = startedAt === undefined || id === undefined ? undefined : { startedAt: new Date(startedAt), id }
    const found = await list(db, { kind, before, limit: limit + 1 })
    const page = found.slice(0, limit).map(runOf)
    const last = page.at(-1)
    const hasMore = found.length > limit && last !== undefined
    return { runs: page, nextCursor: hasMore ? writeCursor([last.startedAt, last.id]) : null }
  }
}
