import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import type { Retention } from '../retention.ts'
import { conversationOf, lockConversation, updateConversation } from '../store/conversations.ts'
import type { Db } from '../store/tables.ts'

/** For how long this one conversation keeps what is said; nulls: as the rules say. Nothing is told when it does so already. */
export function changePeriods(
  db: Db,
  retention: Retention,
  asked: { conversationId: string; messageDays: number | null; fileDays: number | null },
): Promise<OutboxRow<Change> | undefined> {
  const { conversationId, messageDays, fileDays } = asked
  return db.transaction().execute(async (transaction) => {
    const before = await lockConversation(transaction, conversationId)
    if (before === undefined) throw refuse.conversation_not_found()
    if (before.messageDays === messageDays && before.fileDays === fileDays) return undefined
    const version = before.version + 1
    const after = { ...before, messageDays, fileDays, version }
    await updateConversation(transaction, conversationId, { messageDays, fileDays, version, updatedVersion: version })
    const conversation = conversationOf(after, null, retention.messageDays(after))
    return writeOutbox(transaction, [{ kind: 'conversation-updated', conversation }])
  })
}
