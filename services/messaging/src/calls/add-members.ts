import type { Callers, Handler } from '@parley/bus'
import type { auth, messaging } from '@parley/contracts'
import { assertUsersExist } from '../changes/assert-users-exist.ts'
import { assertMayAdd, beginMemberships } from '../changes/begin-memberships.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function addMembers(parts: {
  db: Db
  changesDb: Db
  turns: Turns
  retention: Retention
  telling: Telling
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
}): Handler<(typeof messaging)['calls']['addMembers']> {
  const { db, changesDb, turns, retention, telling, authCalls } = parts
  return async ({ actor, conversationId, userIds }, context) => {
    const adding = { conversationId, actorId: actor.userId, userIds }
    await assertMayAdd(db, adding)
    await assertUsersExist(authCalls, userIds, context)
    const { members, told } = await turns.inTurn(conversationId, () => beginMemberships(changesDb, adding, retention))
    if (told !== undefined) telling.tell(told)
    return { members }
  }
}
