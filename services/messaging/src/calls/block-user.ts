import type { Callers, Handler } from '@parley/bus'
import { refuse, type auth, type messaging } from '@parley/contracts'
import { assertUsersExist } from '../changes/assert-users-exist.ts'
import { block } from '../changes/block.ts'
import type { Turns } from '../changes/turns.ts'
import type { TellBlockChange } from '../delivery/tell-block-change.ts'
import { blockChange } from '../domain/block-change.ts'
import type { Db } from '../store/tables.ts'

export function blockUser(parts: {
  changesDb: Db
  turns: Turns
  tellBlockChange: TellBlockChange
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
}): Handler<(typeof messaging)['calls']['blockUser']> {
  const { changesDb, turns, tellBlockChange, authCalls } = parts
  return async ({ actor, userId: blockedId }, context) => {
    if (blockedId === actor.userId) throw refuse.invalid_input({}, 'userId: must be of somebody else.')
    await assertUsersExist(authCalls, [blockedId], context)
    const change = blockChange(actor.userId, blockedId)
    if (await turns.inTurn(change.conversationId, () => block(changesDb, change))) tellBlockChange(change)
    return {}
  }
}
