import { randomUUID } from 'node:crypto'
import { notify, serve, type Bus } from '@parley/bus'
import {
  conversationTopic,
  encodeDeliveryBatch,
  gateway,
  messaging,
  refuse,
  userTopic,
  type DeliveryBatch,
  type BlockChange,
  type MembershipSpan,
  type ReceiptsDelivery,
  type ReplyOf,
  type RequestOf,
  type TopicChange,
} from '@parley/contracts'
import type { SentMessage } from '@parley/protocol'

/**
 * Stands in for `messaging`: topics whose changes a test decides on, told to a gateway in whatever way the test wants:
 * twice, late, out of order, or not at all.
 */
export interface TestMessaging extends AsyncDisposable {
  /**
   * Adds a change to a topic, at its next version, or with `afterVersion` at whichever it names; `tell` says whether gateways
   * hear of it.
   */
  change(topic: string, change: Omit<TopicChange, 'version'> & { version?: number }, tell?: boolean): TopicChange
  /** Sends a change to the gateways, again or for the first time. */
  tell(topic: string, ...changes: TopicChange[]): void
  /** Tells the gateways of watermarks that have risen. */
  tellReceipts(...receipts: ReceiptsDelivery[]): void
  /** Makes a user a member, without telling. */
  add(userId: string, conversationId: string, options?: { visibleFromSequence?: number }): MembershipSpan
  /** Takes a membership away, without telling. */
  remove(userId: string, conversationId: string): void
  /** Calls for versions fail as often as this before they are answered. */
  failingVersions: number
  /** Happens before the next call for versions is answered, or fails. */
  beforeVersions: (() => void) | undefined
  /** Happens before each call for changes is answered. */
  beforeChanges: ((topic: string) => void | Promise<void>) | undefined
  /** Calls that raise watermarks, as they came; `answerMark` says what becomes of each mark, or throws. */
  readonly markCalls: readonly Mark[][]
  answerMark: (mark: Mark) => MarkResult
  /** Who has asked whether they may be seen typing, in the order of asking; `beforeTyping` may refuse. */
  readonly typists: readonly string[]
  beforeTyping: ((conversationId: string) => void) | undefined
  /** Pairs of users who have a direct conversation, if they share any. */
  contacts: (readonly [string, string])[]
  /** One user blocks another, or does so no more; `tell` says whether gateways hear of it. */
  block(change: BlockChange, tell?: boolean): void
  unblock(change: BlockChange, tell?: boolean): void
  /** Calls for whom a user has blocked fail as often as this before they are answered. */
  failingBlocks: number
}

type Send = RequestOf<(typeof messaging)['calls']['sendMessages']>['sends'][number]

const messageOf = ({ actor, id, conversationId, text }: Send): SentMessage => ({
  id,
  conversationId,
  text,
  senderId: actor.userId,
  sequence: 1,
  version: 2,
  attachments: [],
  replyTo: null,
  mentions: [],
  reactions: [],
  createdAt: new Date().toISOString(),
  editedAt: null,
  deletedAt: null,
  duplicate: false,
})

type MarkReceipts = (typeof messaging)['calls']['markReceipts']
type Mark = RequestOf<MarkReceipts>['marks'][number]
type MarkResult = ReplyOf<MarkReceipts>['results'][number]

const CHANGES_PER_PAGE = 500

export async function startTestMessaging(bus: Bus, gatewayIds: () => number[]): Promise<TestMessaging> {
  const changes = new Map<string, TopicChange[]>()
  const memberships = new Map<string, MembershipSpan[]>()
  const changesOf = (topic: string) => changes.get(topic) ?? []
  const encoder = new TextEncoder()

  const senderId = randomUUID()
  const lastNumbers = new Map<number, number>()
  const markCalls: Mark[][] = []
  const typists: string[] = []
  const blocks = new Map<string, BlockChange>()
  const blockChanges: BlockChange[] = []
  const isBlocked = (isOf: (block: BlockChange) => boolean) => blocks.values().some(isOf)
  const isMember = (userId: string, conversationId: string) =>
    memberships.get(userId)?.some((span) => span.conversationId === conversationId) ?? false
  const isRelatedTo = (userId: string) => (otherId: string) =>
    !blocks.has(userId + otherId) &&
    !blocks.has(otherId + userId) &&
    (memberships.get(userId) ?? []).some(({ conversationId }) => isMember(otherId, conversationId))
  const versionOf = (topic: string) => changesOf(topic).at(-1)?.version ?? 0

  function send(batch: Pick<DeliveryBatch, 'deliveries' | 'receipts'>): void {
    for (const gatewayId of gatewayIds()) {
      const number = (lastNumbers.get(gatewayId) ?? 0) + 1
      lastNumbers.set(gatewayId, number)
      const bytes = encodeDeliveryBatch({ senderId, number, ...batch })
      notify(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, bytes)
    }
  }

  function tell(topic: string, ...told: TopicChange[]): void {
    const deliveries = told.map((change) => ({
      ...change,
      topic,
      argument: encoder.encode(JSON.stringify(change.argument)),
    }))
    send({ deliveries, receipts: [] })
  }

  function tellBlock(change: BlockChange): void {
    notify(bus, messaging.notices.relationsChanged, {}, encoder.encode(JSON.stringify(change)))
  }

  const standIn: TestMessaging = {
    failingBlocks: 0,
    block(change, told = true) {
      blocks.set(change.userId + change.blockedId, change)
      blockChanges.push(change)
      if (told) tellBlock(change)
    },
    unblock(change, told = true) {
      blocks.delete(change.userId + change.blockedId)
      blockChanges.push(change)
      if (told) tellBlock(change)
    },
    failingVersions: 0,
    beforeVersions: undefined,
    beforeChanges: undefined,
    markCalls,
    typists,
    beforeTyping: undefined,
    contacts: [],
    answerMark: () => ({ gatherReadMs: 0, gatherDeliveredMs: 1_000 }),
    tell,
    tellReceipts: (...receipts) => send({ deliveries: [], receipts }),
    change(topic, change, told = true) {
      const all = changesOf(topic)
      const next = { version: versionOf(topic) + 1, ...change }
      if (all.length === 0) changes.set(topic, [next])
      else all.push(next)
      if (told) tell(topic, next)
      return next
    },
    add(userId, conversationId, { visibleFromSequence = 0 } = {}) {
      const joinedVersion = versionOf(conversationTopic(conversationId)) + 1
      const span = { conversationId, joinedVersion, leftVersion: null, visibleFromSequence }
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
        membershipVersion: versionOf(userTopic(userId)),
        memberships: memberships.get(userId) ?? [],
        hasBlocked: isBlocked((block) => block.userId === userId),
      }))
      return { users, next: null }
    },
    async readVersions({ topics }) {
      standIn.beforeVersions?.()
      standIn.beforeVersions = undefined
      if (standIn.failingVersions-- > 0) throw new Error('as the test wants')
      return { versions: topics.map(versionOf) }
    },
    async listChanges({ topic, afterVersion }) {
      await standIn.beforeChanges?.(topic)
      const version = versionOf(topic)
      const to = Math.min(afterVersion + CHANGES_PER_PAGE, version)
      const page = changesOf(topic).filter((change) => change.version > afterVersion && change.version <= to)
      return { changes: page, to, hasMore: to < version }
    },
    async markReceipts({ marks }) {
      markCalls.push(marks)
      return { results: marks.map((mark) => standIn.answerMark(mark)) }
    },
    async allowTyping({ actor, conversationId }) {
      typists.push(actor.userId)
      if (!isMember(actor.userId, conversationId)) throw refuse.not_a_member()
      standIn.beforeTyping?.(conversationId)
      return { isTold: !isBlocked((block) => block.conversationId === conversationId) }
    },
    listRelations: async ({ userId, otherIds }) => ({
      relations: otherIds.filter(isRelatedTo(userId)).map((otherId) => ({
        userId: otherId,
        isContact: standIn.contacts.some((pair) => pair.includes(userId) && pair.includes(otherId)),
      })),
    }),
    async listBlockedUsers({ actor }) {
      if (standIn.failingBlocks-- > 0) throw new Error('as the test wants')
      const own = [...blocks.values()].filter(({ userId }) => userId === actor.userId)
      return { userIds: own.map(({ blockedId }) => blockedId) }
    },
    listBlockChanges: async () => ({ changes: blockChanges, next: null }),
    isMember: async ({ userId, conversationId }) => ({ member: isMember(userId, conversationId) }),
    sendMessages: async ({ sends }) => ({ results: sends.map((send) => ({ message: messageOf(send) })) }),
  })
  return standIn
}
