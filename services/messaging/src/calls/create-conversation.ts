import type { Callers, Handler } from '@parley/bus'
import { refuse, type auth, type messaging } from '@parley/contracts'
import type { Conversation } from '@parley/protocol'
import { v7 } from 'uuid'
import { assertUsersExist } from '../changes/assert-users-exist.ts'
import { beginConversation } from '../changes/begin-conversation.ts'
import type { Turns } from '../changes/turns.ts'
import type { Telling } from '../delivery/open-telling.ts'
import { creationHash, defaultVisibility, membersOf, type Creation } from '../domain/creation.ts'
import { directConversationId, isReservedForDirect } from '../domain/direct-conversation.ts'
import type { Retention } from '../retention.ts'
import { findConversation } from '../store/conversations.ts'
import { findOwnConversation } from '../store/own-conversations.ts'
import type { Db } from '../store/tables.ts'

type Request = Parameters<Handler<(typeof messaging)['calls']['createConversation']>>[0]

export function createConversation(parts: {
  db: Db
  changesDb: Db
  turns: Turns
  retention: Retention
  telling: Telling
  authCalls: Pick<Callers<typeof auth>, 'getUsers'>
}): Handler<(typeof messaging)['calls']['createConversation']> {
  const { db, changesDb, turns, retention, telling, authCalls } = parts

  /** What this id names already, if the caller may have it as the answer to a retry. */
  async function findCreated(creation: Creation): Promise<Conversation | undefined> {
    const existing = await findConversation(db, creation.id)
    if (existing === undefined) return undefined
    const isSame =
      creation.kind === 'direct' ||
      (existing.createdBy === creation.createdBy && existing.creationHash.equals(creationHash(creation)))
    const own = { conversationId: creation.id, userId: creation.createdBy }
    const conversation = isSame ? await findOwnConversation(db, retention, own) : undefined
    if (conversation === undefined) throw refuse.conversation_id_conflict()
    return conversation
  }

  return async (request, context) => {
    const creation = creationOf(request)
    const existing = await findCreated(creation)
    if (existing !== undefined) return existing
    const others = creation.members.slice(1).map(({ userId }) => userId)
    await assertUsersExist(authCalls, others, context)
    const told = await turns.inTurn(creation.id, () => beginConversation(changesDb, creation, retention))
    if (told !== undefined) telling.tell(told)
    // Made by this call, or at the same moment by another one.
    const created = await findCreated(creation)
    if (created === undefined) throw new Error('a conversation that was just made is not there')
    return created
  }
}

function creationOf(request: Request): Creation {
  const { actor, kind, title = null, historyVisibility = defaultVisibility(kind) } = request
  const createdBy = actor.userId
  const otherIds = [...new Set(request.memberIds)].filter((userId) => userId !== createdBy)
  const members = membersOf(kind, createdBy, otherIds)
  if (kind !== 'direct') {
    const { id = v7() } = request
    if (isReservedForDirect(id)) throw refuse.invalid_input({}, 'Ids of version 5 are kept for direct conversations.')
    return { id, kind, title, historyVisibility, createdBy, members }
  }
  const [otherId] = otherIds
  if (otherId === undefined || otherIds.length > 1) {
    throw refuse.invalid_input({}, 'A direct conversation needs exactly one other member.')
  }
  if (title !== null) throw refuse.invalid_input({}, 'A direct conversation has no title.')
  if (historyVisibility !== 'joined') {
    throw refuse.invalid_input({}, 'A direct conversation has nobody who joins later.')
  }
  return { id: directConversationId(createdBy, otherId), kind, title, historyVisibility, createdBy, members }
}
