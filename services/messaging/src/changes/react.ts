import { refuse, type Refused } from '@parley/contracts'
import { writeOutbox, type OutboxRow } from '@parley/postgres'
import { limits, type Message, type Reaction, may } from '@parley/protocol'
import type { Change, KeptChange } from '../domain/change.ts'
import { visibleFrom } from '../domain/periods.ts'
import { isAbridged, namesAll, reactionsAfter } from '../domain/reactions.ts'
import type { Retention } from '../retention.ts'
import { isBlocked } from '../store/blocks.ts'
import { lockConversation, updateConversation } from '../store/conversations.ts'
import { findMembers } from '../store/members.ts'
import { updateMessage } from '../store/message-changes.ts'
import { messageOf } from '../store/messages.ts'
import { deleteReactions, insertReactions, readReactions, type ReactionPlace } from '../store/reactions.ts'
import type { ConversationRow, Db, MemberRow, MessageRow } from '../store/tables.ts'

/** A reaction that a user gives, or takes back. */
export interface Reacting extends ReactionPlace {
  readonly wanted: boolean
}

export interface Reacted {
  /** The message as it is now, or why not; in the order asked. */
  readonly results: readonly (Message | Refused)[]
  readonly told: OutboxRow<Change> | undefined
}

/**
 * Reactions of one conversation, all in one transaction: those of one message share a version, so a storm of them costs
 * few. What is there already, or is not there, stays so and changes nothing.
 */
export function react(
  db: Db,
  { conversationId, retention }: { conversationId: string; retention: Retention },
  asked: readonly Reacting[],
): Promise<Reacted> {
  return db.transaction().execute(async (transaction) => {
    const conversation = await lockConversation(transaction, conversationId)
    if (conversation === undefined) return { results: asked.map(() => refuse.not_a_member()), told: undefined }
    const userIds = [...new Set(asked.map(({ userId }) => userId))]
    const members = byId(await findMembers(transaction, conversationId, userIds), ({ userId }) => userId)
    const keptSince = retention.keptSince(conversation)
    const messages = byId(await findMessageRows(transaction, { conversationId, keptSince }, asked), ({ id }) => id)

    const blocked = conversation.kind === 'direct' && (await isBlocked(transaction, conversationId))
    const emoji = new Map(
      messages.values().map(({ id, reactions }) => [id, new Set(reactions.map((one) => one.emoji))]),
    )
    const refusals = asked.map((one) => {
      const refused = refusalOf(one, conversation, members.get(one.userId), messages.get(one.messageId))
      if (refused !== undefined || !one.wanted) return refused
      if (blocked) return refuse.direct_blocked()
      const present = emoji.get(one.messageId)!
      if (!present.has(one.emoji) && present.size >= limits.emojiPerMessage) return refuse.too_many_emoji()
      present.add(one.emoji)
      return undefined
    })
    const accepted = lastOfEach(asked.filter((_, index) => refusals[index] === undefined))
    const added = await insertReactions(transaction, accepted.filter(isWanted), conversation.now)
    const removed = await deleteReactions(
      transaction,
      accepted.filter((one) => !isWanted(one)),
    )

    let { version } = conversation
    const changes: Change[] = []
    for (const message of messages.values()) {
      const of = (places: readonly ReactionPlace[]) => places.filter(({ messageId }) => messageId === message.id)
      const changed = { added: inOrderOf(accepted, of(added)), removed: of(removed) }
      if (changed.added.length + changed.removed.length === 0) continue
      version += 1
      const reactions = await summaryAfter(transaction, message, changed, conversation.memberCount)
      const row = await updateMessage(transaction, message.id, { version, reactions })
      messages.set(message.id, row)
      changes.push({ kind: 'message-updated', version, message: messageOf(row) })
    }
    const results = asked.map((one, index) => refusals[index] ?? messageOf(messages.get(one.messageId)!))
    if (changes.length === 0) return { results, told: undefined }
    await updateConversation(transaction, conversationId, { version })
    const { id } = await writeOutbox(transaction, changes.map(kept))
    return { results, told: { id, events: changes } }
  })
}

async function findMessageRows(
  db: Db,
  { conversationId, keptSince }: { conversationId: string; keptSince: Date },
  asked: readonly Reacting[],
): Promise<MessageRow[]> {
  return db
    .selectFrom('messages')
    .selectAll()
    .where('id', 'in', [...new Set(asked.map(({ messageId }) => messageId))])
    .where('conversationId', '=', conversationId)
    .where('createdAt', '>', keptSince)
    .execute()
}

function refusalOf(
  { wanted }: Reacting,
  conversation: ConversationRow,
  member: MemberRow | undefined,
  message: MessageRow | undefined,
): Refused | undefined {
  const { kind, archivedAt } = conversation
  if (member === undefined) return refuse.not_a_member()
  if (message === undefined || message.sequence < visibleFrom(member, conversation)) return refuse.message_not_found()
  if (message.deletedAt !== null) return refuse.message_not_found()
  if (archivedAt !== null) return refuse.conversation_archived()
  if (wanted && !may('react', { kind, role: member.role })) return refuse.not_a_member()
  return undefined
}

/** What is told of a message's reactions after this change. */
export async function summaryAfter(
  db: Db,
  message: MessageRow,
  changed: Parameters<typeof reactionsAfter>[1],
  memberCount: number,
): Promise<Reaction[]> {
  const after = reactionsAfter(message.reactions, changed, memberCount)
  // So few again that all are to be named.
  return isAbridged(after) && namesAll(after, memberCount) ? readReactions(db, message.id) : after
}

const isWanted = ({ wanted }: Reacting): boolean => wanted

const keyOf = ({ messageId, emoji, userId }: ReactionPlace): string => `${messageId} ${userId} ${emoji}`

/** Who gives and takes back the same in one go means what they said last. */
const lastOfEach = (asked: readonly Reacting[]): Reacting[] => [...byId(asked, keyOf).values()]

/** What the database returns comes in no order. */
function inOrderOf(asked: readonly ReactionPlace[], some: readonly ReactionPlace[]): ReactionPlace[] {
  const keys = new Set(some.map(keyOf))
  return asked.filter((place) => keys.has(keyOf(place)))
}

const byId = <Item>(items: readonly Item[], idOf: (item: Item) => string): Map<string, Item> =>
  new Map(items.map((item) => [idOf(item), item]))

function kept(change: Change): KeptChange {
  if (change.kind !== 'message-updated') throw new TypeError(`not a reaction: ${change.kind}`)
  return { kind: change.kind, version: change.version, id: change.message.id }
}
