import type { TopicChange } from '@parley/contracts'
import type { Retention } from '../retention.ts'
import { tellsMemberships } from '../domain/capabilities.ts'
import { messageCreated, messageUpdated } from '../domain/topic-changes.ts'
import { conversationOf, findConversation } from './conversations.ts'
import { firstVersionAfter } from './first-sequences.ts'
import { inSnapshot } from './in-snapshot.ts'
import { membershipsAsConversation, membershipsOneByOne, type Versions } from './membership-changes.ts'
import { messageOf } from './messages.ts'
import type { ConversationRow, Db, MessageRow } from './tables.ts'

/** Changes of a topic, each at a version of its own and in their order, and how far they reach. */
export interface Changes {
  readonly changes: TopicChange[]
  /** The topic's version, or when there is more, the last that these changes cover. */
  readonly to: number
  readonly hasMore: boolean
}

/**
 * What a conversation's members are told of at most `limit` versions: messages as created and as changed last, memberships
 * that began, changed or ended, the conversation's own properties; each at its own version but in its current state. The
 * creation is told to each of its first members by their own topic. One snapshot.
 */
export function conversationChangesAfter(
  db: Db,
  retention: Retention,
  conversationId: string,
  afterVersion: number,
  limit: number,
): Promise<Changes> {
  return inSnapshot(db, async (snapshot) => {
    const conversation = await findConversation(snapshot, conversationId)
    if (conversation === undefined) return { changes: [], to: 0, hasMore: false }
    const { version } = conversation
    const to = Math.min(afterVersion + limit, version)
    const versions = { after: Math.max(afterVersion, CREATION), to }
    const told = conversationOf(conversation, null, retention.messageDays(conversation))
    const changes = [
      ...(await messageChanges(snapshot, retention, conversation, versions)),
      ...(tellsMemberships(conversation)
        ? await membershipsOneByOne(snapshot, conversation, told, versions)
        : await membershipsAsConversation(snapshot, conversation, told, versions)),
    ]
    return { changes: changes.toSorted((a, b) => a.version - b.version), to, hasMore: to < version }
  })
}

const CREATION = 1

async function messageChanges(
  db: Db,
  retention: Retention,
  conversation: ConversationRow,
  versions: Versions,
): Promise<TopicChange[]> {
  const { after, to } = versions
  const isHere = (version: number) => version > after && version <= to
  const changedHere = await messagesOf(db, retention, conversation)
    .where('version', '>', after)
    .where('version', '<=', to)
    .execute()
  const changedLater =
    to < conversation.version ? await createdHereAndChangedLater(db, retention, conversation, versions) : []
  return [...changedHere, ...changedLater].flatMap((row) => {
    const { version, createdVersion } = row
    const message = messageOf(row)
    return [
      ...(isHere(createdVersion) ? [messageCreated(createdVersion, message)] : []),
      ...(isHere(version) && version !== createdVersion ? [messageUpdated(version, message)] : []),
    ]
  })
}

/** There is no index for the versions of creations, but they rise with the sequence, and are above it. */
async function createdHereAndChangedLater(
  db: Db,
  retention: Retention,
  conversation: ConversationRow,
  { after, to }: Versions,
): Promise<MessageRow[]> {
  const { id: conversationId, version, lastSequence } = conversation
  const otherChanges = version - lastSequence
  const from = Math.max(1, after + 1 - otherChanges)
  const range = { conversationId, from, to: Math.min(after, lastSequence + 1), past: after }
  const first = (await firstVersionAfter(db, [range])).get(conversationId)!
  return messagesOf(db, retention, conversation)
    .where('sequence', '>=', first)
    .where('sequence', '<', first + to - after)
    .where('createdVersion', '<=', to)
    .where('version', '>', to)
    .execute()
}

const messagesOf = (db: Db, retention: Retention, conversation: ConversationRow) =>
  db
    .selectFrom('messages')
    .selectAll()
    .where('conversationId', '=', conversation.id)
    .where('sequence', '>=', conversation.firstKeptSequence)
    .where('createdAt', '>', retention.keptSince(conversation))
