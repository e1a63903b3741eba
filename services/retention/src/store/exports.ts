import type { Db, ExportPageRow, JobRow } from './tables.ts'

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

export async function findExport(db: Db, id: string): Promise<JobRow | undefined> {
  return db.selectFrom('jobs').selectAll().where('id', '=', id).where('kind', '=', 'export').executeTakeFirst()
}

/** Ready or not, it is no more. */
export async function expireExport(db: Db, id: string): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ state: 'expired', size: null, keptUntil: null })
    .where('id', '=', id)
    .where('kind', '=', 'export')
    .execute()
  await forgetPages(db, id)
}

/** From now on this is its ZIP, and whoever writes another one writes in vain. False when the export is over. */
export async function noteZip(db: Db, id: string, zipId: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ zipId })
    .where('id', '=', id)
    .where('state', 'in', ['pending', 'running'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** False when it is over, or another one is its ZIP. */
export async function finishExport(
  db: Db,
  id: string,
  zip: { zipId: string; size: number; finishedAt: Date; keptUntil: Date },
): Promise<boolean> {
  const { zipId, ...finished } = zip
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ state: 'ready', ...finished })
    .where('id', '=', id)
    .where('zipId', '=', zipId)
    .where('state', 'in', ['pending', 'running'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function insertPages(db: Db, pages: ExportPageRow[]): Promise<void> {
  if (pages.length > 0) await db.insertInto('exportPages').values(pages).execute()
}

/** In the order in which they are told. */
export async function listPages(db: Db, jobId: string): Promise<ExportPageRow[]> {
  return db
    .selectFrom('exportPages')
    .selectAll()
    .where('jobId', '=', jobId)
    .orderBy('service')
    .orderBy('kind')
    .orderBy('page')
    .execute()
}

export async function forgetPages(db: Db, jobId: string): Promise<void> {
  await db.deleteFrom('exportPages').where('jobId', '=', jobId).execute()
}
