import type { Finding } from '@parley/contracts'
import type { OutboxTable } from '@parley/postgres'
import type { ConversationKind, RunKind } from '@parley/protocol'
import type { ColumnType, Generated, Kysely, Selectable } from 'kysely'

export type RunResult = 'done' | 'busy' | 'remains' | 'failed'

/** What is known of a run only at its end. */
type AtEnd<Value> = ColumnType<Value | null, never, Value | null>
/** Written as text, read as what it says. */
type Json<Value> = ColumnType<Value, string | undefined, string>

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
  /** What was done so far, by store and thing. */
  counts: Json<Record<string, number>>
  findings: Json<Finding[]>
}

interface RequestedRunsTable {
  kind: RunKind
  requestedAt: Date
}

interface PoliciesTable {
  /** A conversation's id, a kind, or `default`. */
  scope: string
  conversationId: string | null
  kind: ConversationKind | null
  messageDays: number | null
  fileDays: number | null
  changedBy: string
  changedAt: Date
  /** Of a conversation: whether messaging goes by it. */
  confirmed: Generated<boolean>
}

/** Of the default and the kinds, together: one row. */
interface RulesTable {
  id: Generated<boolean>
  /** Rises with each change. */
  revision: number
  /** From the configuration. */
  defaultDays: number
  /** The last revision that messaging is known to go by. */
  confirmedRevision: Generated<number>
}

interface HoldsTable {
  id: string
  userId: string | null
  conversationId: string | null
  reason: string
  placedBy: string
  placedAt: Date
  releasedBy: string | null
  releasedAt: Date | null
  /** What messaging goes by. */
  confirmed: 'placed' | 'released' | null
}

export type JobKind = 'erasure' | 'export'

interface JobsTable {
  id: string
  kind: JobKind
  userId: string
  requestedBy: string
  requestedAt: Date
  /** Of an erasure. */
  reason: string | null
  state: Generated<'pending' | 'running' | 'held' | 'done' | 'ready' | 'expired'>
  finishedAt: Date | null
  /** When to go on with it, by Postgres' clock, while it is not finished. */
  dueAt: Generated<Date>
  /** How often it had to wait in a row. */
  waits: Generated<number>
  /** Of an export: of its ZIP, and until when that is kept. */
  size: number | null
  keptUntil: Date | null
  /** The one that is being written, or is there. */
  zipId: string | null
}

interface JobStepsTable {
  jobId: string
  position: number
  service: string
  state: Generated<'pending' | 'running' | 'waiting' | 'held' | 'done'>
  /** Of the service's last answer. */
  cursor: string | null
  counts: Json<Record<string, number>>
  finishedAt: Date | null
}

/** Records of one kind from one answer of a service, put in an object. */
interface ExportPagesTable {
  jobId: string
  page: number
  service: string
  kind: string
  objectId: string
}

export interface Tables {
  runs: RunsTable
  requestedRuns: RequestedRunsTable
  policies: PoliciesTable
  rules: RulesTable
  holds: HoldsTable
  jobs: JobsTable
  jobSteps: JobStepsTable
  exportPages: ExportPagesTable
  outbox: OutboxTable
}

export type Db = Kysely<Tables>
export type RunRow = Selectable<RunsTable>
export type PolicyRow = Selectable<PoliciesTable>
export type HoldRow = Selectable<HoldsTable>
export type JobRow = Selectable<JobsTable>
export type JobStepRow = Selectable<JobStepsTable>
export type ExportPageRow = Selectable<ExportPagesTable>
