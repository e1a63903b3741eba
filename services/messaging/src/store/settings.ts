import type { Settings } from '@parley/protocol'
import type { Db } from './tables.ts'

export async function readSettings(db: Db, userId: string): Promise<Settings> {
  const row = await db.selectFrom('users').select('privateRead').where('userId', '=', userId).executeTakeFirst()
  return { privateRead: row?.privateRead ?? false }
}

/** Also of a user whom nobody ever added anywhere, at `membershipVersion` 0. */
export async function writePrivateRead(db: Db, userId: string, privateRead: boolean): Promise<void> {
  await db
    .insertInto('users')
    .values({ userId, membershipVersion: 0, privateRead })
    .onConflict((conflict) => conflict.column('userId').doUpdateSet({ privateRead }))
    .execute()
}
