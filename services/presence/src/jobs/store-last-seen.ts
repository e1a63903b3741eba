import type { ConnectionRegistry } from '@parley/routing'
import { storeSeen } from '../store/last-seen.ts'
import type { Db } from '../store/tables.ts'

/** Writes who was last seen when, from Redis into Postgres. What can not be written stays there for the next time. */
export async function storeLastSeen(
  registry: Pick<ConnectionRegistry, 'flushSeen'>,
  db: Db,
  everyMs: number,
): Promise<void> {
  await registry.flushSeen(everyMs, (seen) => storeSeen(db, seen))
}
