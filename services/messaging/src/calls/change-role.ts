import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { changeRole as change } from '../changes/change-role.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function changeRole(parts: {
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['changeRole']> {
  const { changesDb, turns, telling, retention } = parts
  return async ({ actor, conversationId, userId, role }) => {
    const changing = { conversationId, actorId: actor.userId, userId, role }
    const { member, told } = await turns.inTurn(conversationId, () => change(changesDb, retention, changing))
    if (told !== undefined) telling.tell(told)
    return member
  }
}
