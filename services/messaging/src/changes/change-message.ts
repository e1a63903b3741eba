import { refuse } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { may, type Message } from '@parley/protocol'
import type { Change } from '../domain/change.ts'
import { visibleFrom } from '../domain/periods.ts'
import type { Retention } from '../retention.ts'
import { isBlocked } from '../store/blocks.ts'
import { lockConversation, updateConversation } from '../store/conversations.ts'
import { filesRemoved, type FilesRemoved } from '../store/files-removed.ts'
import { keepIfHeld } from '../store/held-messages.ts'
import { findMember, findMembers } from '../store/members.ts'
import {
  findVisibleMessage,
  forgetPartsOf,
  keepEdit,
  replaceUnreadMentions,
  updateMessage,
} from '../store/message-changes.ts'
import { messageOf } from '../store/messages.ts'
import type { ConversationRow, Db, MemberRow, MessageRow } from '../store/tables.ts'

export interface ChangingMessage {
  readonly conversationId: string
  readonly messageId: string
  readonly actorId: string
  readonly retention: Retention
}

/** The message as it is now, and what is to be told unless nothing has changed. */
export interface ChangedMessage {
  readonly message: Message
  readonly told: OutboxRow<Change> | undefined
}

interface Found {
  readonly conversation: ConversationRow & { readonly now: Date }
  readonly member: MemberRow
  readonly message: MessageRow
  /** The version that the change gets. */
  readonly version: number
}

interface Changed {
  readonly after: MessageRow
  /** What others are told of its files. */
  readonly removed: readonly FilesRemoved[]
}

/** By its author; what it said before is kept. The same text and mentions again change nothing. */
export function editMessage(
  db: Db,
  changing: ChangingMessage,
  { text, mentions }: { text: string; mentions: readonly string[] | undefined },
): Promise<ChangedMessage> {
  return changeMessage(db, changing, async (transaction, { conversation, member, message, version }) => {
    if (message.deletedAt !== null) throw refuse.message_not_found()
    if (conversation.archivedAt !== null) throw refuse.conversation_archived()
    const maySend = may('send', { kind: conversation.kind, role: member.role })
    if (message.senderId !== changing.actorId || !maySend) {
      throw refuse.forbidden({}, 'Only its author can edit a message, and only where they may write.')
    }
    if (text === '' && message.attachments.length === 0) throw refuse.invalid_input({}, 'text: must not be empty.')
    const wanted = mentions === undefined ? message.mentions : [...new Set(mentions)]
    const isSameText = text === message.text
    if (isSameText && sameUsers(wanted, message.mentions)) return undefined
    if (conversation.kind === 'direct' && (await isBlocked(transaction, conversation.id))) throw refuse.direct_blocked()
    const added = wanted.filter((userId) => !message.mentions.includes(userId))
    await assertMembers(transaction, changing.conversationId, added)
    await keepEdit(transaction, message, { version, at: conversation.now })
    const edited = await updateMessage(transaction, message.id, {
      version,
      text,
      mentions: wanted,
      editedAt: conversation.now,
    })
    await replaceUnreadMentions(transaction, edited)
    return { after: edited, removed: [] }
  })
}

/**
 * By its author, or by those who may delete what others said. Its place stays, with nothing in it; again, it changes nothing.
 * What it was is kept out of sight while a hold covers it.
 */
export function deleteMessage(db: Db, changing: ChangingMessage): Promise<ChangedMessage> {
  return changeMessage(db, changing, async (transaction, { conversation, member, message, version }) => {
    const { kind } = conversation
    const isOwn = message.senderId === changing.actorId
    if (!isOwn && !may('delete messages of others', { kind, role: member.role })) {
      throw refuse.forbidden({}, 'Only its author, or an owner or admin, can delete a message.')
    }
    if (message.deletedAt !== null) return undefined
    const held = await keepIfHeld(transaction, [message], 'deleted')
    await forgetPartsOf(transaction, message.id)
    const after = await updateMessage(transaction, message.id, {
      version,
      text: '',
      mentions: [],
      attachments: [],
      reactions: [],
      deletedAt: conversation.now,
    })
    // The outbox names the files: the message does not know them any more when it is told again.
    return { after, removed: held.has(message.id) ? [] : filesRemoved(message) }
  })
}

/** In one transaction under the conversation's lock, with a version of its own if `change` returns the changed message. */
function changeMessage(
  db: Db,
  { conversationId, messageId, actorId, retention }: ChangingMessage,
  change: (transaction: Db, found: Found) => Promise<Changed | undefined>,
): Promise<ChangedMessage> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    const member = await findMember(transaction, conversationId, actorId)
    if (conversation === undefined || member === undefined) throw refuse.not_a_member()
    const visibleFromSequence = visibleFrom(member, conversation)
    const place = { conversationId, messageId, visibleFromSequence, keptSince: retention.keptSince(conversation) }
    const message = await findVisibleMessage(transaction, place)
    if (message === undefined) throw refuse.message_not_found()
    const version = conversation.version + 1
    const changed = await change(transaction, { conversation, member, message, version })
    if (changed === undefined) return { message: messageOf(message), told: undefined }
    await updateConversation(transaction, conversationId, { version })
    const { after, removed } = changed
    const { id } = await writeOutbox(transaction, [{ kind: 'message-updated', version, id: messageId }, ...removed])
    const told = messageOf(after)
    return { message: told, told: { id, events: [{ kind: 'message-updated', version, message: told }, ...removed] } }
  })
}

async function assertMembers(db: Db, conversationId: string, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return
  const members = await findMembers(db, conversationId, userIds)
  if (members.length < userIds.length) throw refuse.mention_not_a_member()
}

const sameUsers = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && new Set(some).isSubsetOf(new Set(others))
