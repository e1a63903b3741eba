import { sql } from 'kysely'
import type { Db, DbTransaction } from './tables.ts'

/**
 * A key's state follows from the time alone: `next` until it signs, then `current`, and `retired` from when another one is.
 * Nobody has to note that it changes, and all instances see the same by the database's clock.
 */
export type KeyState = 'next' | 'current' | 'retired'

export interface StoredSigningKey {
  readonly id: string
  readonly sealedPrivateKey: Buffer
}

/** The current one, then those to come, then those of the past. */
export async function listSigningKeys(db: Db): Promise<(StoredSigningKey & { readonly state: KeyState })[]> {
  const rows = await db
    .selectFrom('signingKeys')
    .select(['id', 'sealedPrivateKey', sql<boolean>`signs_from > clock_timestamp()`.as('isNext')])
    .orderBy('signsFrom', 'desc')
    .orderBy('id')
    .execute()
  const [current, ...retired] = rows.filter(({ isNext }) => !isNext)
  const inState = (state: KeyState, keys: readonly StoredSigningKey[]) =>
    keys.map(({ id, sealedPrivateKey }) => ({ id, sealedPrivateKey, state }))
  return [
    ...inState('current', current === undefined ? [] : [current]),
    ...inState(
      'next',
      rows.filter(({ isNext }) => isNext),
    ),
    ...inState('retired', retired),
  ]
}

/** Whether the newest key, at work or yet to come, will have signed for `afterSeconds` once a key that is made now could take over. */
export async function isSigningKeyDue(
  db: Db,
  { afterSeconds, aheadSeconds }: { afterSeconds: number; aheadSeconds: number },
): Promise<boolean> {
  const young = await db
    .selectFrom('signingKeys')
    .select('id')
    .where('signsFrom', '>', sql<Date>`clock_timestamp() + ${aheadSeconds - afterSeconds} * interval '1 second'`)
    .limit(1)
    .executeTakeFirst()
  return young === undefined
}

/** Of several instances that find one due at once, one adds its key. The first of all keys signs at once. */
export async function insertDueSigningKey(
  transaction: DbTransaction,
  key: StoredSigningKey,
  times: { afterSeconds: number; aheadSeconds: number },
): Promise<boolean> {
  await sql`lock table signing_keys in exclusive mode`.execute(transaction)
  if (!(await isSigningKeyDue(transaction, times))) return false
  const existing = await transaction.selectFrom('signingKeys').select('id').limit(1).executeTakeFirst()
  await insertSigningKey(transaction, key, existing === undefined ? 0 : times.aheadSeconds)
  return true
}

export async function insertSigningKey(
  transaction: DbTransaction,
  key: StoredSigningKey,
  aheadSeconds: number,
): Promise<void> {
  await transaction
    .insertInto('signingKeys')
    .values({ ...key, signsFrom: sql<Date>`clock_timestamp() + ${aheadSeconds} * interval '1 second'` })
    .execute()
}

/** Puts this key in the place of all others. What they signed is good no more. */
export async function replaceSigningKeys(transaction: DbTransaction, key: StoredSigningKey): Promise<void> {
  await sql`lock table signing_keys in exclusive mode`.execute(transaction)
  await transaction.deleteFrom('signingKeys').execute()
  await insertSigningKey(transaction, key, 0)
}

/** Removes those whose place another one took so long ago. */
export async function deleteRetiredSigningKeys(db: Db, keptSeconds: number): Promise<void> {
  await sql`
    delete from signing_keys as retired where exists (
      select 1 from signing_keys as newer
      where newer.signs_from > retired.signs_from
      and newer.signs_from < clock_timestamp() - ${keptSeconds} * interval '1 second')`.execute(db)
}
