import { deleteForgottenRevocations } from '../store/revocations.ts'
import { deleteOldSessions } from '../store/sessions.ts'
import type { Db } from '../store/tables.ts'

const BATCH_ROWS = 1_000

/** Removes revocations that concern no living token, and sessions of long ago, in batches. Any number of instances may do it. */
export async function forgetSessions(db: Db, signal: AbortSignal): Promise<void> {
  for (const remove of [deleteForgottenRevocations, deleteOldSessions]) {
    let removed = BATCH_ROWS
    while (removed === BATCH_ROWS && !signal.aborted) removed = await remove(db, BATCH_ROWS)
  }
}
