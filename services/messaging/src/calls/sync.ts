import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { z } from 'zod'
import { readCursor, writeCursor } from '../domain/page.ts'
import type { Retention } from '../retention.ts'
import type { Told } from '../store/differing.ts'
import type { Db } from '../store/tables.ts'
import { answerSync } from '../sync/answer-sync.ts'

const Time = z.iso.datetime({ precision: 3 })
const Cursor = z.tuple([Time, Time, z.guid(), z.guid()])

export function sync(parts: { db: Db; retention: Retention }): Handler<(typeof messaging)['calls']['sync']> {
  const { db, retention } = parts
  return async ({ actor, cursor = null, since = null, ...request }) => {
    const told = cursor === null ? null : toldBy(cursor)
    const answer = await answerSync(db, retention, { ...request, userId: actor.userId, since, told })
    return { ...answer, nextCursor: answer.told && cursorOf(answer.told) }
  }
}

const cursorOf = ({ startedAt, newFrom, receiptsTo }: Told): string =>
  writeCursor([startedAt, newFrom.at, newFrom.id, receiptsTo])

function toldBy(cursor: string): Told {
  const place = Cursor.safeParse(readCursor(cursor))
  if (!place.success) throw refuse.invalid_input({}, 'The cursor is not one that was given out.')
  const [startedAt, newFromAt, id, receiptsTo] = place.data
  return { startedAt: new Date(startedAt), newFrom: { at: new Date(newFromAt), id }, receiptsTo }
}
