import type { DbTransaction } from './tables.ts'

/** No session of theirs begins until COMMIT; those that have begun by now are there to be found. */
export async function keepFromBeginning(transaction: DbTransaction, userId: string): Promise<void> {
  await transaction.selectFrom('users').select('id').where('id', '=', userId).forUpdate().execute()
}

/** The other side of `keepFromBeginning`: waits for it. Those who begin sessions do not wait for each other. */
export async function waitToBegin(transaction: DbTransaction, userId: string): Promise<void> {
  await transaction.selectFrom('users').select('id').where('id', '=', userId).forKeyShare().execute()
}

/** Nobody else ends it, or revokes it again, until COMMIT. */
export async function lockSession(transaction: DbTransaction, sessionId: string): Promise<void> {
  await transaction.selectFrom('sessions').select('id').where('id', '=', sessionId).forUpdate().execute()
}
