import { conversationTopic, userTopic } from '@parley/contracts'
import { sql } from 'kysely'
import type { Db } from './tables.ts'

export interface ChangedTopics {
  readonly topics: { topic: string; version: number }[]
  /** Where the next page begins; null when this was the last one. */
  readonly next: string | null
}

/** A change is seen when it is committed, and its minute was read before: no transaction takes as long as this. */
const UNDER_WAY_MS = 10_000

/**
 * Conversations and users whose versions were raised within this time, by Postgres' clock, and some a little before: the
 * tables know the minute. Ordered by topic, after a topic.
 */
export async function listChangedTopics(
  db: Db,
  { withinMs, after, limit }: { withinMs: number; after: string | undefined; limit: number },
): Promise<ChangedTopics> {
  const since = sql<Date>`
    date_trunc('minute', clock_timestamp() - ${withinMs + UNDER_WAY_MS} * interval '1 millisecond')`
  const conversations =
    after?.startsWith('u:') === true
      ? []
      : await db
          .selectFrom('conversations')
          .select(['id', 'version'])
          .where('changedMinute', '>=', since)
          .$if(after !== undefined, (query) => query.where('id', '>', after!.slice(2)))
          .orderBy('id')
          .limit(limit)
          .execute()
  const users =
    conversations.length === limit
      ? []
      : await db
          .selectFrom('users')
          .select(['userId', 'membershipVersion'])
          .where('changedMinute', '>=', since)
          .$if(after?.startsWith('u:') === true, (query) => query.where('userId', '>', after!.slice(2)))
          .orderBy('userId')
          .limit(limit - conversations.length)
          .execute()
  const topics = [
    ...conversations.map(({ id, version }) => ({ topic: conversationTopic(id), version })),
    ...users.map(({ userId, membershipVersion }) => ({ topic: userTopic(userId), version: membershipVersion })),
  ]
  return { topics, next: topics.length === limit ? topics.at(-1)!.topic : null }
}
