import { isUnavailable } from '@parley/postgres'
import { isShown, type Seen, type UserState } from '@parley/routing'
import type { Logger } from '@parley/runtime'
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

/**
 * With the time last seen as others write it, also of those of whom Redis does not know it any more. While Postgres is away
 * theirs is not known: how they are is told all the same.
 */
export async function withLastSeen<User extends Pick<UserState, 'status' | 'lastSeenAt'> & { readonly userId: string }>(
  { db, log }: { db: Db; log: Logger },
  users: readonly User[],
): Promise<(Omit<User, 'lastSeenAt'> & { lastSeenAt: string | null })[]> {
  const longGone = users.filter(
    ({ status, lastSeenAt }) => status !== 'unknown' && !isShown(status) && lastSeenAt === null,
  )
  const stored = await readLastSeen(
    db,
    longGone.map(({ userId }) => userId),
  ).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error
    log.warn({ error }, 'last seen is not known')
    return new Map<string, Date>()
  })
  return users.map((user) => ({
    ...user,
    lastSeenAt: (user.lastSeenAt ?? stored.get(user.userId))?.toISOString() ?? null,
  }))
}

async function readLastSeen(db: Db, userIds: readonly string[]): Promise<Map<string, Date>> {
  if (userIds.length === 0) return new Map()
  const rows = await db.selectFrom('lastSeen').selectAll().where('userId', 'in', userIds).execute()
  return new Map(rows.map(({ userId, lastSeenAt }) => [userId, lastSeenAt]))
}
