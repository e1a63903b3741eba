import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { isUnavailable } from '@parley/postgres'
import { previewChange } from '../expiry/preview.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

/** Within what the caller waits. */
const COUNT_MS = 12_000

export function previewRetention({
  db,
  retention,
}: {
  db: Db
  retention: Retention
}): Handler<(typeof messaging)['calls']['previewRetention']> {
  return async (asked) => {
    const endsAt = performance.now() + COUNT_MS
    try {
      const effect = await previewChange(db, retention, asked, () => performance.now() >= endsAt)
      if (effect === undefined) throw refuse.conversation_not_found()
      return effect
    } catch (error) {
      if (isUnavailable(error)) throw refuse.unavailable()
      throw error
    }
  }
}
