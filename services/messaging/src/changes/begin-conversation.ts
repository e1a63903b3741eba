import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import { creationHash, type Creation } from '../domain/creation.ts'
import { isBlocked } from '../store/blocks.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, insertConversation } from '../store/conversations.ts'
import { joinMembers } from '../store/members.ts'
import type { Db } from '../store/tables.ts'

/**
 * All first members share version 1. A direct one of two of whom one has blocked the other does not come into being; their rows,
 * which are locked by now, keep a block from passing it by. Undefined when the id exists already, even since this
 * very moment.
 */
export function beginConversation(
  db: Db,
  creation: Creation,
  retention: Retention,
): Promise<OutboxRow<Change> | undefined> {
  const { members, ...named } = creation
  return db.transaction().execute(async (transaction) => {
    const conversation = await insertConversation(transaction, {
      ...named,
      creationHash: creationHash(creation),
      memberCount: members.length,
    })
    if (conversation === undefined) return undefined
    const joining = members.map((member) => ({ ...member, version: conversation.version }))
    const joined = await joinMembers(transaction, conversation, joining, conversation.createdAt)
    if (conversation.kind === 'direct' && (await isBlocked(transaction, conversation.id))) throw refuse.direct_blocked()
    const change: Change = {
      kind: 'conversation-created',
      conversation: conversationOf(conversation, null, retention.messageDays(conversation)),
      joined,
    }
    return writeOutbox(transaction, [change])
  })
}
