import { must, type Callers } from '@parley/bus'
import type { Delivery, MembershipSpan, messaging, ReplyOf } from '@parley/contracts'
import { batchByTurn } from '../turn-batcher.ts'

/** What a gateway asks `messaging` about topics. */
export interface TopicReader {
  /** The changes of a topic after a version, page by page; or, of a conversation that is too far ahead, in one that says so. */
  changesAfter(topic: string, version: number): AsyncGenerator<ChangePage>
  /** The topics' current versions, in the order asked. */
  versionsOf(topics: readonly string[]): Promise<number[]>
  /** The topics that changed within this time, page by page, with their versions. */
  changedTopics(withinMs: number): AsyncGenerator<ChangedTopicsPage['topics']>
  /** A user's memberships and, from the same moment, the version of the user's topic. Users that connect together share a call. */
  membershipsOf(userId: string): Promise<Memberships>
}

export interface ChangePage {
  /** In order. When they are too many, only those that are somebody's last. */
  readonly deliveries: readonly Delivery[]
  /** The position that it reaches. */
  readonly to: number
  /** Clients are not to be told all of this, but to fetch it. */
  readonly isTooMuch: boolean
}

export interface Memberships {
  readonly membershipVersion: number
  readonly memberships: readonly MembershipSpan[]
  readonly hasBlocked: boolean
}

/** So many changes of a conversation are told at once. They are counted by their versions, of which each has one at most. */
const MAX_CHANGES = 2_000
const TOPICS_PER_CALL = 1_000
const USERS_PER_CALL = 100

type ChangedTopicsPage = ReplyOf<(typeof messaging)['calls']['listChangedTopics']>

type Calls = Pick<Callers<typeof messaging>, 'listChangedTopics' | 'listChanges' | 'readVersions' | 'listMemberships'>

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
    changedTopics: (withinMs) => readChangedTopics(calls, Math.ceil(withinMs)),
    membershipsOf: (userId) => memberships.ask(userId),
  }
}

const encoder = new TextEncoder()

async function* readChanges(calls: Calls, topic: string, afterVersion: number): AsyncGenerator<ChangePage> {
  const first = await readPage(calls, topic, afterVersion)
  if (first.hasMore && (await isTooMuch(calls, topic, afterVersion))) {
    yield await readLastOnes(calls, topic, first)
    return
  }
  yield first
  for (let page = first; page.hasMore;) yield (page = await readPage(calls, topic, page.to))
}

/** A user's own changes are never too many: they say what this gateway delivers. */
async function isTooMuch(calls: Calls, topic: string, afterVersion: number): Promise<boolean> {
  if (!topic.startsWith('c:')) return false
  const { versions } = must(await calls.readVersions({ topics: [topic] }))
  return (versions[0] ?? 0) - afterVersion > MAX_CHANGES
}

async function readLastOnes(calls: Calls, topic: string, first: PageRead): Promise<ChangePage> {
  const lastOnes = ({ deliveries }: PageRead) => deliveries.filter(({ left }) => left !== undefined)
  const deliveries = lastOnes(first)
  let page = first
  while (page.hasMore) {
    page = await readPage(calls, topic, page.to)
    deliveries.push(...lastOnes(page))
  }
  return { deliveries, to: page.to, isTooMuch: true }
}

type PageRead = ChangePage & { readonly hasMore: boolean }

async function readPage(calls: Calls, topic: string, afterVersion: number): Promise<PageRead> {
  const { changes, to, hasMore } = must(await calls.listChanges({ topic, afterVersion }))
  const deliveries = changes.map((change) => ({
    ...change,
    topic,
    argument: encoder.encode(JSON.stringify(change.argument)),
  }))
  return { deliveries, to, hasMore, isTooMuch: false }
}

async function* readChangedTopics(calls: Calls, withinMs: number): AsyncGenerator<ChangedTopicsPage['topics']> {
  const askedAt = performance.now()
  let after: ChangedTopicsPage['next'] = null
  do {
    // Each page looks back from its own moment.
    const backMs = withinMs + Math.ceil(performance.now() - askedAt)
    const page: ChangedTopicsPage = must(
      await calls.listChangedTopics({ withinMs: backMs, ...(after === null ? {} : { after }) }),
    )
    yield page.topics
    after = page.next
  } while (after !== null)
}

async function readMemberships(calls: Calls, userIds: readonly string[]): Promise<Memberships[]> {
  const asked = [...new Set(userIds)]
  const byUser = new Map<string, Memberships & { memberships: MembershipSpan[] }>()
  type Page = ReplyOf<(typeof messaging)['calls']['listMemberships']>
  let after: Page['next'] = null
  do {
    const page: Page = must(await calls.listMemberships({ userIds: asked, ...(after === null ? {} : { after }) }))
    for (const { userId, memberships, ...user } of page.users) {
      // Of a user whose memberships span pages, the first page's version counts: later changes come by the user's topic.
      const known = byUser.get(userId)
      if (known === undefined) byUser.set(userId, { ...user, memberships: [...memberships] })
      else known.memberships.push(...memberships)
    }
    after = page.next
  } while (after !== null)
  return userIds.map((userId) => byUser.get(userId) ?? { membershipVersion: 0, memberships: [], hasBlocked: false })
}
