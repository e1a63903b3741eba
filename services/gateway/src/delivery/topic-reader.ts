import { must, type Callers } from '@parley/bus'
import type { Delivery, MembershipSpan, messaging, ReplyOf } from '@parley/contracts'
import { batchByTurn } from '../turn-batcher.ts'

/** What a gateway asks `messaging` about topics. */
export interface TopicReader {
  /** The changes of a topic after a version, page by page; `to` is the position that a page reaches. */
  changesAfter(topic: string, version: number): AsyncGenerator<{ deliveries: Delivery[]; to: number }>
  /** The topics' current versions, in the order asked. */
  versionsOf(topics: readonly string[]): Promise<number[]>
  /** A user's memberships and, from the same moment, the version of the user's topic. Users that connect together share a call. */
  membershipsOf(userId: string): Promise<Memberships>
}

export interface Memberships {
  readonly membershipVersion: number
  readonly memberships: readonly MembershipSpan[]
}

const TOPICS_PER_CALL = 1_000
const USERS_PER_CALL = 100

type Calls = Pick<Callers<typeof messaging>, 'listChanges' | 'readVersions' | 'listMemberships'>

export function createTopicReader(calls: Calls): TopicReader {
  const memberships = batchByTurn<string, Memberships>({
    maxSize: USERS_PER_CALL,
    sizeOf: () => 1,
    askAll: (userIds) => readMemberships(calls, userIds),
  })
  return {
    changesAfter: (topic, version) => readChanges(calls, topic, version),
    async versionsOf(topics) {
      const versions: number[] = []
      for (let start = 0; start < topics.length; start += TOPICS_PER_CALL) {
        const page = must(await calls.readVersions({ topics: topics.slice(start, start + TOPICS_PER_CALL) }))
        versions.push(...page.versions)
      }
      return versions
    },
    membershipsOf: (userId) => memberships.ask(userId),
  }
}

const encoder = new TextEncoder()

async function* readChanges(
  calls: Calls,
  topic: string,
  afterVersion: number,
): AsyncGenerator<{ deliveries: Delivery[]; to: number }> {
  for (let hasMore = true; hasMore;) {
    const page = must(await calls.listChanges({ topic, afterVersion }))
    const deliveries = page.changes.map((change) => ({
      ...change,
      topic,
      argument: encoder.encode(JSON.stringify(change.argument)),
    }))
    yield { deliveries, to: page.to }
    afterVersion = page.to
    hasMore = page.hasMore
  }
}

async function readMemberships(calls: Calls, userIds: readonly string[]): Promise<Memberships[]> {
  const asked = [...new Set(userIds)]
  const byUser = new Map<string, { membershipVersion: number; memberships: MembershipSpan[] }>()
  type Page = ReplyOf<(typeof messaging)['calls']['listMemberships']>
  let after: Page['next'] = null
  do {
    const page: Page = must(await calls.listMemberships({ userIds: asked, ...(after === null ? {} : { after }) }))
    for (const { userId, membershipVersion, memberships } of page.users) {
      // Of a user whose memberships span pages, the first page's version counts: later changes come by the user's topic.
      const known = byUser.get(userId)
      if (known === undefined) byUser.set(userId, { membershipVersion, memberships: [...memberships] })
      else known.memberships.push(...memberships)
    }
    after = page.next
  } while (after !== null)
  return userIds.map((userId) => byUser.get(userId) ?? { membershipVersion: 0, memberships: [] })
}
