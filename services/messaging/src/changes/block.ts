import { refuse, type BlockChange } from '@parley/contracts'
import { limits } from '@parley/protocol'
import { noteBlockChange } from '../store/block-changes.ts'
import { countBlocked, deleteBlock, insertBlock } from '../store/blocks.ts'
import { lockConversation } from '../store/conversations.ts'
import type { Db } from '../store/tables.ts'
import { lockUser } from '../store/users.ts'

/**
 * What one of the two writes in their direct conversation is committed before, or is refused: this waits for the conversation.
 * The user's own row keeps what they block elsewhere, and a conversation of the two that comes into being, from passing it by.
 * False when it is so already.
 */
export function block(db: Db, change: BlockChange): Promise<boolean> {
  const { userId, conversationId } = change
  return db.transaction().execute(async (transaction) => {
    await lockConversation(transaction, conversationId)
    await lockUser(transaction, userId)
    if (!(await insertBlock(transaction, change))) return false
    if ((await countBlocked(transaction, userId)) > limits.blockedUsers) throw refuse.too_many_blocked()
    await noteBlockChange(transaction, change)
    return true
  })
}

/** False when there was nothing to end. */
export function unblock(db: Db, change: BlockChange): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    if (!(await deleteBlock(transaction, change))) return false
    await noteBlockChange(transaction, change)
    return true
  })
}
