import { sql, type Selectable } from 'kysely'
import type { Reconciliation } from '@parley/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { Db, ReconciliationsTable } from './tables.ts'

export type Counts = Pick<
  Reconciliation,
  'objects' | 'uploads' | 'unknownObjects' | 'removedObjects' | 'missingObjects' | 'missingUploadIds'
>

/** One that says nothing for so long has died. */
const DEAD_AFTER_MS = 30 * 60_000
const LOCK = 'media reconciliation'

/** Begins one, unless one was begun within `everyMs`, or is running, by any instance. Answers its id. */
export function beginReconciliation(db: Db, everyMs: number): Promise<string | undefined> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${LOCK}, 0))`.execute(transaction)
    await transaction
      .updateTable('reconciliations')
      .set({ outcome: 'failed' })
      .where('outcome', '=', 'running')
      .where('heardAt', '<', ago(DEAD_AFTER_MS))
      .execute()
    const recent = await transaction
      .selectFrom('reconciliations')
      .select('id')
      .where((eb) =>
        eb.or([
          eb('outcome', '=', 'running'),
          eb.and([eb('outcome', '<>', 'failed'), eb('startedAt', '>', ago(everyMs))]),
          // One that failed is tried again, but not at once.
          eb('startedAt', '>', ago(Math.min(everyMs, DEAD_AFTER_MS))),
        ]),
      )
      .limit(1)
      .executeTakeFirst()
    if (recent !== undefined) return undefined
    const { id } = await transaction
      .insertInto('reconciliations')
      .values({ id: uuidv7() })
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  })
}

/** It still runs, and has found so much up to now. */
export async function noteReconciliation(db: Db, id: string, counts: Counts): Promise<void> {
  await db
    .updateTable('reconciliations')
    .set({ ...counts, heardAt: now })
    .where('id', '=', id)
    .execute()
}

export async function endReconciliation(
  db: Db,
  id: string,
  outcome: Exclude<Reconciliation['outcome'], 'running'>,
): Promise<void> {
  await db.updateTable('reconciliations').set({ outcome, finishedAt: now }).where('id', '=', id).execute()
}

/** The newest first. */
export async function listReconciliations(db: Db, most: number): Promise<Reconciliation[]> {
  const rows = await db.selectFrom('reconciliations').selectAll().orderBy('startedAt', 'desc').limit(most).execute()
  return rows.map(reconciliationOf)
}

function reconciliationOf(row: Selectable<ReconciliationsTable>): Reconciliation {
  const { startedAt, finishedAt, heardAt: _, ...rest } = row
  return { ...rest, startedAt: startedAt.toISOString(), finishedAt: finishedAt?.toISOString() ?? null }
}

const now = sql<Date>`clock_timestamp()`
const ago = (ms: number) => sql<Date>`clock_timestamp() - ${ms} * interval '1 ms'`
