import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface StoredSigningKey {
  readonly id: string
  readonly sealedPrivateKey: Buffer
}

/** Newest first. */
export async function listSigningKeys(db: Db): Promise<StoredSigningKey[]> {
  return await db
    .selectFrom('signingKeys')
    .select(['id', 'sealedPrivateKey'])
    .orderBy('createdAt', 'desc')
    .orderBy('id')
    .execute()
}

/** Of several instances that start at once on an empty table, one stores its key. */
export async function insertFirstSigningKey(db: Db, key: StoredSigningKey): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`lock table signing_keys in exclusive mode`.execute(transaction)
    const existing = await transaction.selectFrom('signingKeys').select('id').executeTakeFirst()
    if (existing === undefined) await transaction.insertInto('signingKeys').values(key).execute()
  })
}
