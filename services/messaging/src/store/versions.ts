import type { Db } from './tables.ts'

/** The versions of those conversations that exist. */
export async function conversationVersions(db: Db, conversationIds: readonly string[]): Promise<Map<string, number>> {
  if (conversationIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('conversations')
    .select(['id', 'version'])
    .where('id', 'in', conversationIds)
    .execute()
  return new Map(rows.map(({ id, version }) => [id, version]))
}

/** The `membershipVersion` of those users that were ever added anywhere. */
export async function membershipVersions(db: Db, userIds: readonly string[]): Promise<Map<string, number>> {
  if (userIds.length === 0) return new Map()
  const rows = await db.selectFrom('users').selectAll().where('userId', 'in', userIds).execute()
  return new Map(rows.map(({ userId, membershipVersion }) => [userId, membershipVersion]))
}
