import type { Seen } from '@parley/routing'
import type { Db } from './tables.ts'

/** Only ever raised: instances may write at the same time, and late. */
export async function storeSeen(db: Db, seen: readonly Seen[]): Promise<void> {
  await db
    .insertInto('lastSeen')
    // In one order everywhere, or two instances could lock each other.
    .values(
      seen.map(({ userId, at }) => ({ userId, lastSeenAt: at })).toSorted((a, b) => (a.userId < b.userId ? -1 : 1)),
    )
    .onConflict((conflict) =>
      conflict
        .column('userId')
        .doUpdateSet({ lastSeenAt: (eb) => eb.ref('excluded.lastSeenAt') })
        .whereRef('excluded.lastSeenAt', '>', 'lastSeen.lastSeenAt'),
    )
    .execute()
}

export async function readLastSeen(db: Db, userIds: readonly string[]): Promise<Map<string, Date>> {
  if (userIds.length === 0) return new Map()
  const rows = await db.selectFrom('lastSeen').selectAll().where('userId', 'in', userIds).execute()
  return new Map(rows.map(({ userId, lastSeenAt }) => [userId, lastSeenAt]))
}
