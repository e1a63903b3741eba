import { openOutbox, type Outbox } from '@parley/postgres'
import type { ConnectionRegistry } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import type { Counts } from '../metrics.ts'
import { fromOutbox, type StoredStatus } from './statuses.ts'
import type { Db, Tables } from './tables.ts'

/** Brings into Redis what was chosen, at once or as soon as Redis is there. */
export function openStatusesOutbox(options: {
  db: Db
  registry: Pick<ConnectionRegistry, 'writeStatuses'>
  counts: Pick<Counts, 'statusWritten'>
  log: Logger
}): Outbox<StoredStatus> {
  const { db, registry, counts, log } = options
  return openOutbox<StoredStatus, Tables>({
    db,
    log,
    async deliver(rows) {
      const statuses = rows.flatMap(({ events }) => events).map(fromOutbox)
      await registry.writeStatuses(statuses)
      for (const _ of statuses) counts.statusWritten()
    },
  })
}
