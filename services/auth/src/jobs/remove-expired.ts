import { deleteExpiredArtifacts } from '../store/oauth-artifacts.ts'
import type { Db } from '../store/tables.ts'

const BATCH_ROWS = 1_000

/** Removes what has expired of sessions, codes and tokens, in batches, until nothing is left. Any number of instances may do it. */
export async function removeExpired(db: Db, signal: AbortSignal): Promise<void> {
  let removed = BATCH_ROWS
  while (removed === BATCH_ROWS && !signal.aborted) removed = await deleteExpiredArtifacts(db, BATCH_ROWS)
}
