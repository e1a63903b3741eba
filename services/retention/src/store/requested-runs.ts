import type { RunKind } from '@parley/protocol'
import type { Db } from './tables.ts'

/** Asked for again before it has begun, it is one. */
export async function requestRun(db: Db, kind: RunKind, requestedAt: Date): Promise<void> {
  await db
    .insertInto('requestedRuns')
    .values({ kind, requestedAt })
    .onConflict((conflict) => conflict.column('kind').doNothing())
    .execute()
}

export async function listRequestedRuns(db: Db): Promise<RunKind[]> {
  const rows = await db.selectFrom('requestedRuns').select('kind').execute()
  return rows.map(({ kind }) => kind)
}

/** When the run begins. */
export async function forgetRequest(db: Db, kind: RunKind): Promise<void> {
  await db.deleteFrom('requestedRuns').where('kind', '=', kind).execute()
}
