import { sql, type Transaction } from 'kysely'
import type { Db, Tables } from './tables.ts'

/** Who holds it until the end of the transaction is the only one who reserves for this user, or erases them. */
export async function lockReservations(transaction: Transaction<Tables>, userId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${userId}, 0))`.execute(transaction)
}

export async function isErased(db: Db, userId: string): Promise<boolean> {
  const row = await db.selectFrom('erasedUsers').select('userId').where('userId', '=', userId).executeTakeFirst()
  return row !== undefined
}

/** From now on the user reserves nothing: whatever there will ever be of theirs is stored when this is answered. */
export async function noteErased(db: Db, userId: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lockReservations(transaction, userId)
    await transaction
      .insertInto('erasedUsers')
      .values({ userId })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })
}
