import type { Retention } from '../retention.ts'
import { conversationAdded, conversationRemoved, ownPartChanged } from '../domain/topic-changes.ts'
import type { Changes } from './changes.ts'
import { inSnapshot } from './in-snapshot.ts'
import type { Versions } from './membership-changes.ts'
import { findOwnConversations } from './own-conversations.ts'
import type { Db } from './tables.ts'
import { membershipVersions } from './versions.ts'

/**
 * What a user's devices are told of at most `limit` versions: conversations that became theirs, and what changed of their own
 * part in them, as they are now; and conversations that are no longer theirs. One snapshot.
 */
export function userChangesAfter(
  db: Db,
  retention: Retention,
  userId: string,
  afterVersion: number,
  limit: number,
): Promise<Changes> {
  return inSnapshot(db, async (snapshot) => {
    const version = (await membershipVersions(snapshot, [userId])).get(userId) ?? 0
    const to = Math.min(afterVersion + limit, version)
    const began = await beginningsAndEnds(snapshot, userId, { after: afterVersion, to })
    const ownParts = await snapshot
      .selectFrom('members')
      .select(['conversationId', 'ownVersion'])
      .where('userId', '=', userId)
      .where('leftAt', 'is', null)
      .where('ownVersion', '>', afterVersion)
      .where('ownVersion', '<=', to)
      .$narrowType<{ ownVersion: number }>()
      .execute()
    const conversationIds = [...new Set([...began, ...ownParts].map(({ conversationId }) => conversationId))]
    const conversations = await findOwnConversations(snapshot, retention, { conversationIds, userId })
    const byId = new Map(conversations.map((conversation) => [conversation.id, conversation]))
    const changes = [
      ...began.flatMap(({ kind, conversationId, membershipVersion, leftVersion, ...span }) => {
        if (kind === 'left') return [conversationRemoved(membershipVersion, conversationId, { ...span, leftVersion })]
        // Left since: a state that is superseded, by a change that follows.
        const conversation = byId.get(conversationId)
        return conversation === undefined ? [] : [conversationAdded(membershipVersion, conversation, span)]
      }),
      ...ownParts.map(({ conversationId, ownVersion }) => ownPartChanged(ownVersion, byId.get(conversationId)!)),
    ]
    return { changes: changes.toSorted((a, b) => a.version - b.version), to, hasMore: to < version }
  })
}

function beginningsAndEnds(db: Db, userId: string, { after, to }: Versions) {
  return (
    db
      .selectFrom('membershipChanges as change')
      .innerJoin('members', (join) =>
        join
          .onRef('members.conversationId', '=', 'change.conversationId')
          .onRef('members.userId', '=', 'change.userId'),
      )
      .select(['change.kind', 'change.conversationId', 'change.membershipVersion', 'change.joinedVersion'])
      .select('change.version as leftVersion')
      // Of the last membership: what only an earlier one could see is not told again.
      .select('members.visibleFromSequence')
      .where('change.userId', '=', userId)
      .where('change.membershipVersion', '>', after)
      .where('change.membershipVersion', '<=', to)
      .$narrowType<{ membershipVersion: number }>()
      .execute()
  )
}
