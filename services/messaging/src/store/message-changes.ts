import type { Attachment, Reaction } from '@parley/protocol'
import type { Db, MessageRow } from './tables.ts'

/** A message that a member may see; undefined when there is none, or not any more. */
export async function findVisibleMessage(
  db: Db,
  message: { conversationId: string; messageId: string; visibleFromSequence: number; keptSince: Date },
): Promise<MessageRow | undefined> {
  return db
    .selectFrom('messages')
    .selectAll()
    .where('id', '=', message.messageId)
    .where('conversationId', '=', message.conversationId)
    .where('sequence', '>=', message.visibleFromSequence)
    .where('createdAt', '>', message.keptSince)
    .executeTakeFirst()
}

interface ChangedColumns {
  readonly version: number
  readonly text?: string
  readonly mentions?: string[]
  readonly editedAt?: Date
  readonly deletedAt?: Date
  readonly attachments?: readonly Attachment[]
  readonly reactions?: readonly Reaction[]
}

/** Under the conversation's lock. */
export async function updateMessage(db: Db, messageId: string, changed: ChangedColumns): Promise<MessageRow> {
  const { attachments, reactions, ...columns } = changed
  return db
    .updateTable('messages')
    .set({
      ...columns,
      ...(attachments && { attachments: JSON.stringify(attachments) }),
      ...(reactions && { reactions: JSON.stringify(reactions) }),
    })
    .where('id', '=', messageId)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** What a message says now becomes what it said before. */
export async function keepEdit(db: Db, message: MessageRow, replaced: { version: number; at: Date }): Promise<void> {
  const { id: messageId, text, mentions } = message
  const { version, at: replacedAt } = replaced
  await db.insertInto('messageEdits').values({ messageId, version, text, mentions, replacedAt }).execute()
}

/** The latest first. */
export async function readEdits(
  db: Db,
  messageId: string,
  limit: number,
): Promise<{ text: string; mentions: string[]; replacedAt: Date }[]> {
  return db
    .selectFrom('messageEdits')
    .select(['text', 'mentions', 'replacedAt'])
    .where('messageId', '=', messageId)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
}

/** Everything that was kept beside a message. */
export async function forgetPartsOf(db: Db, messageId: string): Promise<void> {
  await db.deleteFrom('messageEdits').where('messageId', '=', messageId).execute()
  await db.deleteFrom('reactions').where('messageId', '=', messageId).execute()
  await db.deleteFrom('unreadMentions').where('messageId', '=', messageId).execute()
}

/** Whoever is mentioned now, and has not read the message yet, has an unread mention. */
export async function replaceUnreadMentions(db: Db, message: MessageRow): Promise<void> {
  const { id: messageId, conversationId, sequence, senderId, mentions } = message
  await db.deleteFrom('unreadMentions').where('messageId', '=', messageId).execute()
  const others = mentions.filter((userId) => userId !== senderId)
  if (others.length === 0) return
  await db
    .insertInto('unreadMentions')
    .columns(['userId', 'conversationId', 'sequence', 'messageId'])
    .expression((eb) =>
      eb
        .selectFrom('members')
        .select([
          'userId',
          'conversationId',
          eb.val(sequence).$castTo<number>().as('sequence'),
          eb.val(messageId).as('messageId'),
        ])
        .where('conversationId', '=', conversationId)
        .where('userId', 'in', others)
        .where('leftAt', 'is', null)
        .where('readSequence', '<', sequence)
        .orderBy('userId'),
    )
    .execute()
}
