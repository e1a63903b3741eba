import type { Handler } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import { deleteMessage as remove } from '../changes/change-message.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function deleteMessage(parts: {
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['deleteMessage']> {
  const { changesDb, turns, telling, retention } = parts
  return async ({ actor, conversationId, messageId }) => {
    const changing = { conversationId, messageId, actorId: actor.userId, retention }
    const { message, told } = await turns.inTurn(conversationId, () => remove(changesDb, changing))
    if (told !== undefined) telling.tell(told)
    return message
  }
}
