import { recordOf, type EventRecord } from '@parley/bus'
import { retention, type Counts, type Finding } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Run, RunKind } from '@parley/protocol'
import type { Transaction } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { forgetRequest } from './requested-runs.ts'
import type { Db, RunRow, Tables } from './tables.ts'

/** What came of a run. */
export type Outcome =
  | {
      readonly result: 'done' | 'busy' | 'remains'
      readonly months?: readonly string[]
      readonly monthsAhead?: number
      readonly counts?: Counts
      readonly findings?: readonly Finding[]
    }
  | { readonly result: 'failed'; readonly errorCode: string }

/** Why a run has no other end: its process died, or it lost the lead. */
export const INTERRUPTED: Outcome = { result: 'failed', errorCode: 'interrupted' }

/** A new run. One of this kind that was left without an end gets one, and an event to be sent. */
export async function beginRun(
  db: Db,
  kind: RunKind,
  startedAt: Date,
): Promise<{ id: string; events: OutboxRow<EventRecord>[] }> {
  return db.transaction().execute(async (transaction) => {
    const events = await end(transaction, { kind }, INTERRUPTED, startedAt)
    const id = uuidv7()
    await transaction.insertInto('runs').values({ id, kind, startedAt }).execute()
    await forgetRequest(transaction, kind)
    return { id, events }
  })
}

/** What a run has done so far. One that has been ended by the next leader stays as it is. */
export async function noteProgress(db: Db, id: string, counts: Counts): Promise<void> {
  await db
    .updateTable('runs')
    .set({ counts: JSON.stringify(counts) })
    .where('id', '=', id)
    .where('endedAt', 'is', null)
    .execute()
}

/** Ends a run, once: a run that has been ended by the next leader stays as it is. */
export async function endRun(db: Db, id: string, outcome: Outcome, endedAt: Date): Promise<OutboxRow<EventRecord>[]> {
  return db.transaction().execute((transaction) => end(transaction, { id }, outcome, endedAt))
}

async function end(
  transaction: Transaction<Tables>,
  which: { id: string } | { kind: RunKind },
  outcome: Outcome,
  endedAt: Date,
): Promise<OutboxRow<EventRecord>[]> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['kind', which.kind] as const)
  const ended = await transaction
    .updateTable('runs')
    .set({ endedAt, result: outcome.result, ...columnsOf(outcome) })
    .where(column, '=', value)
    .where('endedAt', 'is', null)
    .returningAll()
    .execute()
  return Promise.all(ended.map((run) => writeOutbox(transaction, [eventOf(run)])))
}

function columnsOf(outcome: Outcome) {
  if (outcome.result === 'failed') return { errorCode: outcome.errorCode }
  const { months = [], monthsAhead = null, counts, findings } = outcome
  return {
    months: [...months],
    monthsAhead,
    ...(counts !== undefined && { counts: JSON.stringify(counts) }),
    ...(findings !== undefined && { findings: JSON.stringify(findings) }),
  }
}

export interface LastDone {
  readonly kind: RunKind
  readonly endedAt: Date
  readonly monthsAhead: number | null
}

/** The last run of each kind that did its work. */
export async function listLastDone(db: Db): Promise<LastDone[]> {
  return db
    .selectFrom('runs')
    .distinctOn('kind')
    .select(['kind', 'endedAt', 'monthsAhead'])
    .where('result', '=', 'done')
    .where('endedAt', 'is not', null)
    .$narrowType<{ endedAt: Date }>()
    .orderBy('kind')
    .orderBy('endedAt', 'desc')
    .execute()
}

/** The newest first, from before one. */
export async function listRuns(
  db: Db,
  page: { kind?: RunKind | undefined; before?: { startedAt: Date; id: string } | undefined; limit: number },
): Promise<RunRow[]> {
  const { kind, before, limit } = page
  return db
    .selectFrom('runs')
    .selectAll()
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind!))
    .$if(before !== undefined, (query) =>
      query.where((eb) => eb(eb.refTuple('startedAt', 'id'), '<', eb.tuple(before!.startedAt, before!.id))),
    )
    .orderBy('startedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** As administrators are told. */
export function runOf({ id, kind, startedAt, endedAt, result, errorCode, months, counts, findings }: RunRow): Run {
  return {
    id,
    kind,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    result,
    errorCode,
    months,
    counts,
    findings,
  }
}

function eventOf({ id, kind, result, months, counts, startedAt, endedAt }: RunRow): EventRecord {
  return recordOf(
    retention.events.runFinished,
    {},
    {
      runId: id,
      kind,
      result: result!,
      months,
      counts,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt!.toISOString(),
    },
  )
}
