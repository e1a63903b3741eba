import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { mute } from '../changes/mute.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import { findOwnConversation } from '../store/own-conversations.ts'
import type { Db } from '../store/tables.ts'

export function muteConversation(parts: {
  db: Db
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
}): Handler<(typeof messaging)['calls']['muteConversation']> {
  const { db, changesDb, turns, telling, retention } = parts
  return async ({ actor: { userId }, conversationId, until }) => {
    const muting = { conversationId, userId, until: until === null ? null : new Date(until) }
    const told = await turns.inTurn(conversationId, () => mute(changesDb, retention, muting))
    if (told !== undefined) telling.tell(told)
    const conversation = await findOwnConversation(db, retention, muting)
    if (conversation === undefined) throw refuse.not_a_member()
    return conversation
  }
}
