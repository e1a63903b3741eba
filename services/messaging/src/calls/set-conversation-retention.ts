import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { changePeriods } from '../changes/change-periods.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function setConversationRetention(parts: {
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['setConversationRetention']> {
  const { changesDb, turns, telling, retention } = parts
  return async ({ conversationId, ...periods }) => {
    const told = await turns.inTurn(conversationId, () =>
      changePeriods(changesDb, retention, { conversationId, ...periods }),
    )
    if (told !== undefined) telling.tell(told)
    return {}
  }
}
