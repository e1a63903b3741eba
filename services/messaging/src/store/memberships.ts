import type { MembershipSpan } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

/** A place in the list of memberships, ordered by user and conversation. */
export interface MembershipPlace {
  readonly userId: string
  readonly conversationId: string
}

interface UserMemberships {
  readonly userId: string
  readonly membershipVersion: number
  readonly memberships: MembershipSpan[]
}

/**
 * The current memberships of users and, from the same moment (it is one statement), their `membershipVersion`. A user whom
 * nobody ever added anywhere is not mentioned.
 */
export async function listMemberships(
  db: Db,
  page: { userIds: readonly string[]; after: MembershipPlace | undefined; limit: number },
): Promise<{ users: UserMemberships[]; next: MembershipPlace | null }> {
  const { userIds, after, limit } = page
  const remaining = after === undefined ? userIds : userIds.filter((userId) => userId >= after.userId)
  if (remaining.length === 0) return { users: [], next: null }
  const rows = await db
    .selectFrom('users')
    .leftJoin('members', (join) =>
      join
        .onRef('members.userId', '=', 'users.userId')
        .on('members.leftAt', 'is', null)
        .$call((on) =>
          after === undefined
            ? on
            : on.on(
                sql<boolean>`(members.user_id, members.conversation_id) > (${after.userId}, ${after.conversationId})`,
              ),
        ),
    )
    .select([
      'users.userId',
      'users.membershipVersion',
      'members.conversationId',
      'members.joinedVersion',
      'members.visibleFromSequence',
    ])
    .where('users.userId', 'in', remaining)
    .orderBy('users.userId')
    .orderBy('members.conversationId')
    .limit(limit + 1)
    .execute()
  const shown = rows.slice(0, limit)
  const users: UserMemberships[] = []
  for (const { userId, membershipVersion, conversationId, joinedVersion, visibleFromSequence } of shown) {
    let user = users.at(-1)
    if (user?.userId !== userId) users.push((user = { userId, membershipVersion, memberships: [] }))
    if (conversationId === null || joinedVersion === null || visibleFromSequence === null) continue
    user.memberships.push({ conversationId, joinedVersion, leftVersion: null, visibleFromSequence })
  }
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return { users, next: hasMore ? { userId: last.userId, conversationId: last.conversationId ?? NONE } : null }
}

/** Before every conversation: the user's row was the last of its page and has none. */
const NONE = '00000000-0000-0000-0000-000000000000'
