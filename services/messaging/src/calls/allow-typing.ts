import { may } from '@parley/protocol'
import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { tellsTyping } from '../domain/capabilities.ts'
import { isBlocked } from '../store/blocks.ts'
import { findConversation } from '../store/conversations.ts'
import { findMember } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

export function allowTyping({ db }: { db: Db }): Handler<(typeof messaging)['calls']['allowTyping']> {
  return async ({ actor: { userId }, conversationId }) => {
    const [conversation, member] = await Promise.all([
      findConversation(db, conversationId),
      findMember(db, conversationId, userId),
    ])
    if (conversation === undefined || member === undefined) throw refuse.not_a_member()
    if (conversation.archivedAt !== null) throw refuse.conversation_archived()
    const maySend = may('send', { kind: conversation.kind, role: member.role })
    if (!maySend) throw refuse.forbidden({}, 'Only owners and admins write in a channel.')
    if (!tellsTyping(conversation)) throw refuse.typing_not_offered()
    return { isTold: conversation.kind !== 'direct' || !(await isBlocked(db, conversationId)) }
  }
}
