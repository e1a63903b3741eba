import { thisMinute } from './conversations.ts'
import type { Db } from './tables.ts'

/** Until the transaction ends, neither their memberships change nor whom they block. Taken after conversations and members. */
export async function lockUser(db: Db, userId: string): Promise<void> {
  await db
    .insertInto('users')
    .values({ userId, membershipVersion: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db.selectFrom('users').select('userId').where('userId', '=', userId).forNoKeyUpdate().execute()
}

/** Raises each user's `membershipVersion` by one, in the order of their ids: the last locks of every change. */
export async function raiseMembershipVersions(db: Db, userIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .insertInto('users')
    .values(userIds.toSorted().map((userId) => ({ userId, membershipVersion: 1 })))
    .onConflict((conflict) =>
      conflict
        .column('userId')
        .doUpdateSet((eb) => ({ membershipVersion: eb('users.membershipVersion', '+', 1), changedMinute: thisMinute })),
    )
    .returningAll()
    .execute()
  return new Map(rows.map(({ userId, membershipVersion }) => [userId, membershipVersion]))
}
