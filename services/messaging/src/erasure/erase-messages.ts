import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { summaryAfter } from '../changes/react.ts'
import type { Change, KeptChange } from '../domain/change.ts'
import { lockConversation, updateConversation } from '../store/conversations.ts'
import { filesRemoved } from '../store/files-removed.ts'
import { keepIfHeld } from '../store/held-messages.ts'
import { updateMessage } from '../store/message-changes.ts'
import { messageOf } from '../store/messages.ts'
import { deleteReactionsOf } from '../store/reactions.ts'
import type { Db } from '../store/tables.ts'
import { lockMessages, makeTombstones } from '../store/tombstones.ts'

export interface ErasedMessages {
  /** Of the user, which are tombstones now. */
  readonly messages: number
  /** Of the user, to messages of others. */
  readonly reactions: number
  readonly told: OutboxRow<Change> | undefined
}

/**
 * A few messages of one conversation in one transaction: the user's own become as if deleted, and what they gave to others is
 * taken back, a version each. What is so already changes nothing. What a hold covers is copied out of sight.
 */
export function eraseMessages(
  db: Db,
  { conversationId, userId, ids }: { conversationId: string; userId: string; ids: readonly string[] },
): Promise<ErasedMessages> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    if (conversation === undefined) return { messages: 0, reactions: 0, told: undefined }
    const messages = await lockMessages(transaction, { conversationId, ids })
    const [own, others] = [messages.filter(isOf(userId)), messages.filter((message) => !isOf(userId)(message))]
    const held = await keepIfHeld(transaction, own, 'erased')
    let { version } = conversation
    const kept: KeptChange[] = []
    const changes: Change[] = []
    const tombstones = await makeTombstones(transaction, own, { afterVersion: version, at: conversation.now })
    for (const tombstone of tombstones) {
      version = tombstone.version
      changes.push({ kind: 'message-updated', version, message: messageOf(tombstone) })
      kept.push({ kind: 'message-updated', version, id: tombstone.id })
    }
    const removed = await deleteReactionsOf(transaction, { userId, messageIds: others.map(({ id }) => id) })
    for (const message of others) {
      const ofMessage = removed.filter(({ messageId }) => messageId === message.id)
      if (ofMessage.length === 0) continue
      version += 1
      const changed = { added: [], removed: ofMessage }
      const reactions = await summaryAfter(transaction, message, changed, conversation.memberCount)
      const row = await updateMessage(transaction, message.id, { version, reactions })
      changes.push({ kind: 'message-updated', version, message: messageOf(row) })
      kept.push({ kind: 'message-updated', version, id: message.id })
    }
    const counts = { messages: own.length, reactions: removed.length }
    if (version === conversation.version) return { ...counts, told: undefined }
    await updateConversation(transaction, conversationId, { version })
    const files = own.filter(({ id }) => !held.has(id)).flatMap(filesRemoved)
    const { id } = await writeOutbox(transaction, [...kept, ...files])
    return { ...counts, told: { id, events: [...changes, ...files] } }
  })
}

const isOf =
  (userId: string) =>
  ({ senderId }: { readonly senderId: string }): boolean =>
    senderId === userId
