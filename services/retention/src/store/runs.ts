import { recordOf, type EventRecord } from '@parley/bus'
import { retention } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Selectable, Transaction } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Db, RunKind, RunsTable, Tables } from './tables.ts'

/** What came of a run. */
export type Outcome =
  | { readonly result: 'done' | 'busy'; readonly months: readonly string[]; readonly monthsAhead?: number }
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
    return { id, events }
  })
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
    .set({
      endedAt,
      result: outcome.result,
      ...(outcome.result === 'failed'
        ? { errorCode: outcome.errorCode }
        : { months: [...outcome.months], monthsAhead: outcome.monthsAhead ?? null }),
    })
    .where(column, '=', value)
    .where('endedAt', 'is', null)
    .returningAll()
    .execute()
  return Promise.all(ended.map((run) => writeOutbox(transaction, [eventOf(run)])))
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

function eventOf({ id, kind, result, months, startedAt, endedAt }: Selectable<RunsTable>): EventRecord {
  return recordOf(
    retention.events.runFinished,
    {},
    { runId: id, kind, result: result!, months, startedAt: startedAt.toISOString(), endedAt: endedAt!.toISOString() },
  )
}
