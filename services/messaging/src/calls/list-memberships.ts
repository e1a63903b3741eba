import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { findBlockers } from '../store/blocks.ts'
import { listMemberships as listMembershipsOf } from '../store/memberships.ts'
import type { Db } from '../store/tables.ts'

/** About 110 bytes each: a page has less than 512 KB. */
const MEMBERSHIPS_PER_PAGE = 4_000

export function listMemberships({ db }: { db: Db }): Handler<(typeof messaging)['calls']['listMemberships']> {
  return async ({ userIds, after }) => {
    const [{ users, next }, blockers] = await Promise.all([
      listMembershipsOf(db, { userIds, after, limit: MEMBERSHIPS_PER_PAGE }),
      findBlockers(db, userIds),
    ])
    const mentioned = new Set(users.map(({ userId }) => userId))
    const isOfThisPage = (userId: string) =>
      (after === undefined || userId > after.userId) && (next === null || userId < next.userId)
    const unknown = userIds.filter((userId) => isOfThisPage(userId) && !mentioned.has(userId))
    const all = [...users, ...unknown.map((userId) => ({ userId, membershipVersion: 0, memberships: [] }))]
    return { users: all.map((user) => ({ ...user, hasBlocked: blockers.has(user.userId) })), next }
  }
}
