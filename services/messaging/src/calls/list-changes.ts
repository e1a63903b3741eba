import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { firstThatFit } from '../domain/page.ts'
import type { Retention } from '../retention.ts'
import { conversationChangesAfter } from '../store/changes.ts'
import type { Db } from '../store/tables.ts'
import { userChangesAfter } from '../store/user-changes.ts'

/** Each has at most one change. */
const VERSIONS_PER_PAGE = 500

export function listChanges(parts: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['listChanges']> {
  const { db, retention } = parts
  return async ({ topic, afterVersion }) => {
    const changesAfter = topic.startsWith('c:') ? conversationChangesAfter : userChangesAfter
    const found = await changesAfter(db, retention, topic.slice(2), afterVersion, VERSIONS_PER_PAGE)
    const changes = firstThatFit(found.changes)
    const last = changes.at(-1)
    if (last === undefined || changes.length === found.changes.length) return found
    return { changes, to: last.version, hasMore: true }
  }
}
