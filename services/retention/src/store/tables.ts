import type { OutboxTable } from '@parley/postgres'
import type { ColumnType, Kysely } from 'kysely'

export type RunKind = 'create-months' | 'drop-months'
export type RunResult = 'done' | 'busy' | 'failed'

/** What is known of a run only at its end. */
type AtEnd<Value> = ColumnType<Value | null, never, Value | null>

export interface RunsTable {
  id: string
  kind: RunKind
  startedAt: Date
  endedAt: AtEnd<Date>
  result: AtEnd<RunResult>
  /** Names of the months made or dropped. */
  months: ColumnType<string[], never, string[]>
  /** How many months were there beyond the present one. */
  monthsAhead: AtEnd<number>
  errorCode: AtEnd<string>
}

export interface Tables {
  runs: RunsTable
  outbox: OutboxTable
}

export type Db = Kysely<Tables>
