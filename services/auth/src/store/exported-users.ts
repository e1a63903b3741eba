import type { Db } from './tables.ts'

type Row = Record<string, string | boolean | null>

export async function readProfile(db: Db, userId: string): Promise<Row | undefined> {
  const row = await db
    .selectFrom('users')
    .select(['id', 'displayName', 'avatarUrl', 'createdAt', 'erasedAt'])
    .where('id', '=', userId)
    .executeTakeFirst()
  return row && asJson(row)
}

export async function listIdentities(db: Db, userId: string): Promise<Row[]> {
  const rows = await db
    .selectFrom('identities')
    .select(['issuer', 'subject', 'createdAt'])
    .where('userId', '=', userId)
    .orderBy('createdAt')
    .execute()
  return rows.map(asJson)
}

/** Those that have ended and are not forgotten yet, too. */
export async function listSessions(db: Db, userId: string): Promise<Row[]> {
  const rows = await db
    .selectFrom('sessions')
    .select(['id', 'client', 'external', 'name', 'createdAt', 'lastUsedAt', 'endedAt', 'endReason'])
    .where('userId', '=', userId)
    .orderBy('createdAt', 'desc')
    // More than NATS carries in one answer nobody has: the oldest would be left out.
    .limit(1_000)
    .execute()
  return rows.map(asJson)
}

const asJson = (row: Readonly<Record<string, string | boolean | Date | null>>): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  )
