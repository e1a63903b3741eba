import type { TopicChange } from '@parley/contracts'
import type { Retention } from '../retention.ts'
import {
  conversationAdded,
  conversationRemoved,
  memberJoined,
  memberLeft,
  messageCreated,
} from '../domain/topic-changes.ts'
import { memberOf } from './members.ts'
import { messageOf } from './messages.ts'
import { findOwnConversations } from './own-conversations.ts'
import type { Db } from './tables.ts'
import { conversationVersions, membershipVersions } from './versions.ts'

/** Changes of a topic in order, and how far they reach. */
export interface Changes {
  readonly changes: TopicChange[]
  /** The topic's version, or when there were more than `limit`, that of the last change here. */
  readonly to: number
  readonly hasMore: boolean
}

/**
 * What a conversation's members are told: messages, and memberships that began or ended, each at its own version but in its
 * current state. Its creation is told to each of its first members by their own topic. One snapshot.
 */
export function conversationChangesAfter(
  db: Db,
  retention: Retention,
  conversationId: string,
  afterVersion: number,
  limit: number,
): Promise<Changes> {
  return inSnapshot(db, async (snapshot) => {
    const version = (await conversationVersions(snapshot, [conversationId])).get(conversationId) ?? 0
    const messages = await snapshot
      .selectFrom('messages')
      .selectAll()
      .where('conversationId', '=', conversationId)
      .where('version', '>', afterVersion)
      .where('createdAt', '>', retention.keptSince())
      .orderBy('version')
      .limit(limit)
      .execute()
    const memberships = await snapshot
      .selectFrom('membershipChanges')
      .innerJoin('members', (join) =>
        join
          .onRef('members.conversationId', '=', 'membershipChanges.conversationId')
          .onRef('members.userId', '=', 'membershipChanges.userId'),
      )
      .selectAll('members')
      .select(['membershipChanges.kind', 'membershipChanges.version'])
      .where('membershipChanges.conversationId', '=', conversationId)
      .where('membershipChanges.version', '>', Math.max(afterVersion, CREATION))
      .orderBy('membershipChanges.version')
      .limit(limit)
      .execute()
    const changes = [
      ...messages.map((row) => messageCreated(row.createdVersion, messageOf(row))),
      ...memberships.map((row) => {
        const tell = row.kind === 'joined' ? memberJoined : memberLeft
        return tell(conversationId, row.version, memberOf(row))
      }),
    ]
    return upTo(limit, changes, version)
  })
}

/** What a user's devices are told: conversations that became theirs, as they are now, and those that no longer are. One snapshot. */
export function userChangesAfter(
  db: Db,
  retention: Retention,
  userId: string,
  afterVersion: number,
  limit: number,
): Promise<Changes> {
  return inSnapshot(db, async (snapshot) => {
    const version = (await membershipVersions(snapshot, [userId])).get(userId) ?? 0
    const rows = await snapshot
      .selectFrom('membershipChanges')
      .selectAll()
      .where('userId', '=', userId)
      .where('membershipVersion', '>', afterVersion)
      .orderBy('membershipVersion')
      .limit(limit)
      .execute()
    const joined = rows.filter(({ kind }) => kind === 'joined')
    const conversationIds = [...new Set(joined.map(({ conversationId }) => conversationId))]
    const conversations = await findOwnConversations(snapshot, retention, { conversationIds, userId })
    const byId = new Map(conversations.map((conversation) => [conversation.id, conversation]))
    const changes = rows.flatMap(({ kind, conversationId, membershipVersion, joinedVersion, version: at }) => {
      if (kind === 'left') {
        return [conversationRemoved(membershipVersion, conversationId, { joinedVersion, leftVersion: at })]
      }
      // Left since: a state that is superseded, by a change that follows.
      const conversation = byId.get(conversationId)
      return conversation === undefined ? [] : [conversationAdded(membershipVersion, conversation, joinedVersion)]
    })
    const reached = rows.length < limit ? version : rows.at(-1)!.membershipVersion
    return { changes, to: reached, hasMore: reached < version }
  })
}

const CREATION = 1

function upTo(limit: number, changes: readonly TopicChange[], version: number): Changes {
  const first = changes.toSorted((a, b) => a.version - b.version).slice(0, limit)
  const to = changes.length < limit ? version : first.at(-1)!.version
  return { changes: first, to, hasMore: to < version }
}

/** All statements see the database as it was at the first. */
function inSnapshot<Result>(db: Db, read: (snapshot: Db) => Promise<Result>): Promise<Result> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)
}
