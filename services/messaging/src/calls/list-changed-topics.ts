import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { listChangedTopics as readChangedTopics } from '../store/changed-topics.ts'
import type { Db } from '../store/tables.ts'

/** About 70 bytes each: a page has less than 512 KB. */
const TOPICS_PER_PAGE = 5_000

export function listChangedTopics({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listChangedTopics']> {
  return ({ withinMs, after }) => readChangedTopics(db, { withinMs, after, limit: TOPICS_PER_PAGE })
}
