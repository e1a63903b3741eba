import type { Db } from './tables.ts'

/** All statements see the database as it was at the first, which is not before the transaction's `now()`. */
export function inSnapshot<Result>(db: Db, read: (snapshot: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)
}
