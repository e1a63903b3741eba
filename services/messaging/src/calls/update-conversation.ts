import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { changeConversation } from '../changes/change-conversation.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function updateConversation(parts: {
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['updateConversation']> {
  const { changesDb, turns, telling, retention } = parts
  return async ({ actor, conversationId, ...wanted }) => {
    const changing = { conversationId, actorId: actor.userId, wanted }
    const { conversation, told } = await turns.inTurn(conversationId, () =>
      changeConversation(changesDb, retention, changing),
    )
    if (told !== undefined) telling.tell(told)
    return conversation
  }
}
