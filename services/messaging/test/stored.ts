import type { RetentionRules } from '@parley/contracts'
import { sql } from 'kysely'
import { expiredAt, periodsOf } from '../src/domain/periods.ts'
import type { Db } from '../src/store/tables.ts'

/** All that expiry deletes or changes, as it is in the tables. */
export interface Stored {
  readonly conversations: readonly {
    id: string
    kind: 'direct' | 'group' | 'channel'
    messageDays: number | null
    fileDays: number | null
    version: number
    firstKeptSequence: number
    lastSequence: number
  }[]
  readonly messages: readonly {
    id: string
    conversationId: string
    sequence: number
    senderId: string
    createdAt: Date
    uploadIds: string[]
  }[]
  readonly edits: readonly string[]
  readonly reactions: readonly string[]
  readonly mentions: readonly string[]
  readonly reads: readonly { id: string; conversationId: string; at: Date }[]
  readonly held: readonly string[]
}

const idsOf = async (db: Db, table: string, column = 'message_id'): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    select ${sql.ref(column)} as id from ${sql.table(table)} order by 1`.execute(db)
  return rows.map(({ id }) => id)
}

export async function readStored(db: Db): Promise<Stored> {
  const conversations = await db
    .selectFrom('conversations')
    .select(['id', 'kind', 'messageDays', 'fileDays', 'version', 'firstKeptSequence', 'lastSequence'])
    .orderBy('id')
    .execute()
  const messages = await db
    .selectFrom('messages')
    .select(['id', 'conversationId', 'sequence', 'senderId', 'createdAt', 'attachments'])
    .orderBy('id')
    .execute()
  const reads = await db.selectFrom('readLog').select(['id', 'conversationId']).orderBy('id').execute()
  return {
    conversations,
    messages: messages.map(({ attachments, ...message }) => ({
      ...message,
      uploadIds: attachments.map(({ id }) => id),
    })),
    edits: await idsOf(db, 'message_edits'),
    reactions: await idsOf(db, 'reactions'),
    mentions: await idsOf(db, 'unread_mentions'),
    reads: reads.map(({ id, conversationId }) => ({ id, conversationId, at: timeOf(id) })),
    held: await idsOf(db, 'held_messages', 'id'),
  }
}

const timeOf = (id: string): Date => new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16))

export interface Holding {
  readonly userIds: readonly string[]
  readonly conversationIds: readonly string[]
}

/** What must be stored after an expiry, and which uploads must have been told to be gone, by a plain reading of the rules. */
export function afterExpiry(
  before: Stored,
  options: { rules: RetentionRules; now: Date; holding: Holding },
): { stored: Stored; goneUploads: readonly string[] } {
  const { rules, now, holding } = options
  const conversations = new Map(before.conversations.map((one) => [one.id, one]))
  const sinceOf = (conversationId: string) => {
    const { messageDays, fileDays } = periodsOf(rules, conversations.get(conversationId)!)
    return { messages: expiredAt(now, messageDays), files: expiredAt(now, fileDays) }
  }
  const isHeld = ({ senderId, conversationId }: Stored['messages'][number]) =>
    holding.userIds.includes(senderId) || holding.conversationIds.includes(conversationId)
  const isKept = (message: Stored['messages'][number]) => message.createdAt > sinceOf(message.conversationId).messages
  const hasFiles = (message: Stored['messages'][number]) =>
    message.uploadIds.length > 0 && message.createdAt > sinceOf(message.conversationId).files

  const messages = before.messages.filter(isKept)
  const kept = new Set(messages.map(({ id }) => id))
  const only = (ids: readonly string[]) => ids.filter((id) => kept.has(id))
  const firstOf = Map.groupBy(messages, ({ conversationId }) => conversationId)
  const newlyHeld = before.messages.filter(
    (message) => isHeld(message) && (!isKept(message) || (message.uploadIds.length > 0 && !hasFiles(message))),
  )
  return {
    stored: {
      conversations: before.conversations.map((one) => {
        const first = Math.min(one.lastSequence + 1, ...(firstOf.get(one.id) ?? []).map(({ sequence }) => sequence))
        const isRaised = first > one.firstKeptSequence
        return isRaised ? { ...one, firstKeptSequence: first, version: one.version + 1 } : one
      }),
      messages,
      edits: only(before.edits),
      reactions: only(before.reactions),
      mentions: only(before.mentions),
      reads: before.reads.filter(({ conversationId, at }) => {
        const oldest = firstOf.get(conversationId)?.map(({ createdAt }) => createdAt.getTime()) ?? []
        return at.getTime() >= Math.min(...oldest) || (oldest.length === 0 && at >= sinceOf(conversationId).messages)
      }),
      held: [...new Set([...before.held, ...newlyHeld.map(({ id }) => id)])].toSorted(),
    },
    goneUploads: before.messages
      .filter((message) => !hasFiles(message) && !isHeld(message))
      .flatMap(({ uploadIds }) => uploadIds)
      .toSorted(),
  }
}
