import { openPostgres } from '@parley/postgres'
import type { Logger } from '@parley/runtime'
import type { Db, Tables } from './tables.ts'

/**
 * The same database by connections of their own, so that none of these can take all: neither reads, nor conversations that are
 * stuck, nor a wave of marks.
 */
export interface Stores extends AsyncDisposable {
  /** For reads, and what is short. */
  readonly db: Db
  /** For sends: many conversations together, and one alone. */
  readonly group: Db
  readonly lane: Db
  /** For whatever else locks conversations. */
  readonly changes: Db
  readonly marks: Db
  /** Resolves when Postgres answers. */
  check(): Promise<void>
}

const READS_AT_ONCE = 10

export async function openStores(options: {
  url: string
  log: Logger
  connections: { group: number; lane: number; changes: number; marks: number }
}): Promise<Stores> {
  await using stack = new AsyncDisposableStack()
  const { url, log, connections } = options
  const open = (maxConnections: number) =>
    stack.use(openPostgres<Tables>({ url, service: 'messaging', log, maxConnections }))
  const reads = open(READS_AT_ONCE)
  const stores = {
    db: reads.db,
    group: open(connections.group).db,
    lane: open(connections.lane).db,
    changes: open(connections.changes).db,
    marks: open(connections.marks).db,
    check: () => reads.check(),
  }
  const opened = stack.move()
  return { ...stores, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
