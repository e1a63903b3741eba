import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { unblock } from '../changes/block.ts'
import type { TellBlockChange } from '../delivery/tell-block-change.ts'
import { blockChange } from '../domain/block-change.ts'
import type { Db } from '../store/tables.ts'

export function unblockUser(parts: {
  db: Db
  tellBlockChange: TellBlockChange
}): Handler<(typeof messaging)['calls']['unblockUser']> {
  const { db, tellBlockChange } = parts
  return async ({ actor, userId }) => {
    const change = blockChange(actor.userId, userId)
    if (await unblock(db, change)) tellBlockChange(change)
    return {}
  }
}
