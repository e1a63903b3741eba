import type { RequestOf, messaging } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

type Placed = RequestOf<(typeof messaging)['calls']['applyHolds']>['placed'][number]

/** Shared by whoever destroys something, alone for whoever changes the holds: they may not change in between. */
const HOLDS = sql`hashtextextended('messaging.holds', 0)`

/** Destroying takes a moment each time. */
const WAIT_FOR_DESTRUCTION_MS = 4_000

/**
 * Until the transaction ends no hold begins or ends. Take it before the holds are read, and wait for nothing after it that
 * another transaction may have before it takes this one.
 */
export async function keepHolds(transaction: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${HOLDS})`.execute(transaction)
}

/**
 * Once it resolves, whatever is destroyed is so by these holds. Answers false, and changes nothing, when one is of a
 * conversation that does not exist. The same again changes nothing.
 */
export async function changeHolds(
  db: Db,
  { placed, released }: { placed: readonly Placed[]; released: readonly string[] },
): Promise<boolean> {
  const conversationIds = [...new Set(placed.map((hold) => hold.conversationId).filter((id) => id !== null))]
  return db.transaction().execute(async (transaction) => {
    if (!(await allExist(transaction, conversationIds))) return false
    await sql`select set_config('lock_timeout', ${String(WAIT_FOR_DESTRUCTION_MS)}, true)`.execute(transaction)
    await sql`select pg_advisory_xact_lock(${HOLDS})`.execute(transaction)
    if (placed.length > 0) {
      await transaction
        .insertInto('holds')
        .values(placed.map(({ id, userId, conversationId }) => ({ id, userId, conversationId })))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    }
    if (released.length > 0) await transaction.deleteFrom('holds').where('id', 'in', released).execute()
    return true
  })
}

async function allExist(db: Db, conversationIds: readonly string[]): Promise<boolean> {
  if (conversationIds.length === 0) return true
  const found = await db.selectFrom('conversations').select('id').where('id', 'in', conversationIds).execute()
  return found.length === conversationIds.length
}

/** Their ids. */
export async function listHolds(db: Db): Promise<ReadonlySet<string>> {
  return new Set((await db.selectFrom('holds').select('id').execute()).map(({ id }) => id))
}
