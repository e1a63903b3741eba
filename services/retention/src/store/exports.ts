import type { Db, JobRow } from './tables.ts'

/** Those whose time is over, the oldest first. */
export async function listExpiredExports(db: Db, now: Date, limit: number): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'ready')
    .where('keptUntil', '<=', now)
    .orderBy('keptUntil')
    .limit(limit)
    .execute()
}

export async function listExportsOf(db: Db, userId: string): Promise<JobRow[]> {
  return db.selectFrom('jobs').selectAll().where('kind', '=', 'export').where('userId', '=', userId).execute()
}

/** Ready or not, it is no more. */
export async function expireExport(db: Db, id: string): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ state: 'expired', size: null, keptUntil: null })
    .where('id', '=', id)
    .where('kind', '=', 'export')
    .execute()
}
