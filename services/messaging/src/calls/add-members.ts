import type { Callers, Handler } from '@parley/bus'
import type { auth, messaging } from '@parley/contracts'
import { assertUsersExist } from '../changes/assert-users-exist.ts'
import { assertMayAdd, beginMemberships } from '../changes/begin-memberships.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import { findMembers, memberOf } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

export function addMembers(parts: {
  db: Db
  retention: Retention
  telling: Telling
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
}): Handler<(typeof messaging)['calls']['addMembers']> {
  const { db, retention, telling, authCalls } = parts
  return async ({ actor, conversationId, userIds }, context) => {
    const adding = { conversationId, actorId: actor.userId, userIds }
    await assertMayAdd(db, adding)
    await assertUsersExist(authCalls, userIds, context)
    const told = await beginMemberships(db, adding, retention.days)
    if (told !== undefined) telling.tell(told)
    const members = await findMembers(db, conversationId, userIds)
    return { members: members.map(memberOf) }
  }
}
