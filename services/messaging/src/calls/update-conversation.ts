import type { CallContext, Callers, Handler } from '@parley/bus'
import { Refused, refuse, type media, type messaging, type RequestOf } from '@parley/contracts'
import { assertMayChange, changeConversation } from '../changes/change-conversation.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import type { Retention } from '../retention.ts'
import type { Db } from '../store/tables.ts'

export function updateConversation(parts: {
  db: Db
  changesDb: Db
  turns: Turns
  telling: Telling
  retention: Retention
  mediaCalls: Pick<Callers<typeof media>, 'useAvatar'>
}): Handler<(typeof messaging)['calls']['updateConversation']> {
  const { db, changesDb, turns, telling, retention, mediaCalls } = parts

  /** Before the conversation's turn, which does not wait for others. Who may not change it takes no upload. */
  async function addressOfAvatar(
    { actor: { userId }, conversationId, avatarId, avatarUrl }: RequestOf<typeof messaging.calls.updateConversation>,
    context: CallContext,
  ): Promise<string | null | undefined> {
    if (avatarId === undefined) return avatarUrl
    if (avatarUrl !== undefined) throw refuse.invalid_input({}, 'avatarId: not together with avatarUrl.')
    await assertMayChange(db, { conversationId, actorId: userId })
    const asked = { userId, uploadId: avatarId, owner: { conversationId } }
    const answer = await mediaCalls.useAvatar(asked, context)
    if (!answer.ok) throw new Refused(answer.refusal)
    return answer.value.avatarUrl
  }

  return async (request, context) => {
    const { actor, conversationId, avatarId: _, ...properties } = request
    const avatarUrl = await addressOfAvatar(request, context)
    const wanted = { ...properties, ...(avatarUrl !== undefined && { avatarUrl }) }
    const changing = { conversationId, actorId: actor.userId, wanted }
    const { conversation, told } = await turns.inTurn(conversationId, () =>
      changeConversation(changesDb, retention, changing),
    )
    if (told !== undefined) telling.tell(told)
    return conversation
  }
}
