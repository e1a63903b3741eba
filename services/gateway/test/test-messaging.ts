import { notify, serve, type Bus } from '@parley/bus'
import {
  conversationTopic,
  encodeDeliveries,
  gateway,
  messaging,
  userTopic,
  type MembershipSpan,
  type TopicChange,
} from '@parley/contracts'

/**
 * Stands in for `messaging`: topics whose changes a test decides on, told to a gateway in whatever way the test wants:
 * twice, late, out of order, or not at all.
 */
export interface TestMessaging extends AsyncDisposable {
  /** Adds a change to a topic, at its next version; `tell` says whether gateways hear of it. */
  change(topic: string, change: Omit<TopicChange, 'version'>, tell?: boolean): TopicChange
  /** Sends a change to the gateways, again or for the first time. */
  tell(topic: string, ...changes: TopicChange[]): void
  /** Makes a user a member, without telling. */
  add(userId: string, conversationId: string): MembershipSpan
  /** Takes a membership away, without telling. */
  remove(userId: string, conversationId: string): void
  /** Calls for versions fail as often as this before they are answered. */
  failingVersions: number
}

export async function startTestMessaging(bus: Bus, gatewayIds: () => number[]): Promise<TestMessaging> {
  const changes = new Map<string, TopicChange[]>()
  const memberships = new Map<string, MembershipSpan[]>()
  const changesOf = (topic: string) => changes.get(topic) ?? []
  const encoder = new TextEncoder()

  function tell(topic: string, ...told: TopicChange[]): void {
    const batch = encodeDeliveries(
      told.map((change) => ({ ...change, topic, argument: encoder.encode(JSON.stringify(change.argument)) })),
    )
    for (const gatewayId of gatewayIds()) notify(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, batch)
  }

  const standIn: TestMessaging = {
    failingVersions: 0,
    tell,
    change(topic, change, told = true) {
      const all = changesOf(topic)
      const next = { ...change, version: all.length + 1 }
      changes.set(topic, [...all, next])
      if (told) tell(topic, next)
      return next
    },
    add(userId, conversationId) {
      const joinedVersion = changesOf(conversationTopic(conversationId)).length + 1
      const span = { conversationId, joinedVersion, leftVersion: null }
      memberships.set(userId, [...(memberships.get(userId) ?? []), span])
      return span
    },
    remove(userId, conversationId) {
      const left = (memberships.get(userId) ?? []).filter((span) => span.conversationId !== conversationId)
      memberships.set(userId, left)
    },
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  }
  const serving = await serve(bus, messaging, {
    async listMemberships({ userIds }) {
      const users = userIds.map((userId) => ({
        userId,
        membershipVersion: changesOf(userTopic(userId)).length,
        memberships: memberships.get(userId) ?? [],
      }))
      return { users, next: null }
    },
    async readVersions({ topics }) {
      if (standIn.failingVersions-- > 0) throw new Error('as the test wants')
      return { versions: topics.map((topic) => changesOf(topic).length) }
    },
    async listChanges({ topic, afterVersion }) {
      const all = changesOf(topic)
      return { changes: all.slice(afterVersion), to: all.length, hasMore: false }
    },
  })
  return standIn
}
