import { conversationTopic, isUserTopic, userTopic, type Delivery, type MembershipSpan } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import { rawInvocation, type Frame } from '@parley/signalr'
import type { BlockedUsers } from '../blocking/blocked-users.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { retrying } from '../retrying.ts'
import { createCatchUp, type CatchUp, type Missed } from './catch-up.ts'
import type { TopicReader } from './topic-reader.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import { NOT_YET, type Topics } from './topics.ts'

/** Moves connections in and out of topics as they come, and as memberships begin and end. */
export class Memberships {
  readonly #topics: Topics
  readonly #reader: TopicReader
  readonly #blockedUsers: Pick<BlockedUsers, 'begin'>
  readonly #log: Logger
  /** The memberships of one connection begin and end one after another. */
  readonly #lastChangeOf = new WeakMap<ChatConnection, Promise<unknown>>()
  /** The last versions of memberships that have ended while a connection joins, by topic. */
  readonly #endedWhileJoining = new WeakMap<ChatConnection, Map<string, number>>()
  /** What waits to be told on a user's own topic, by the connection: until all of a conversation that has ended was told. */
  readonly #untold = new WeakMap<ChatConnection, Promise<void>>()
  readonly #catchUp: CatchUp

  constructor(options: {
    topics: Topics
    reader: TopicReader
    blockedUsers: Pick<BlockedUsers, 'begin'>
    counts: Pick<DeliveryCounts, 'syncsRequired'>
    log: Logger
  }) {
    this.#topics = options.topics
    this.#reader = options.reader
    this.#blockedUsers = options.blockedUsers
    this.#log = options.log
    this.#catchUp = createCatchUp({
      ...options,
      deliver: (connection, delivery) => this.#deliver(connection, delivery),
    })
  }

  /**
   * Connecting, without a hole: the user's own topic first, so that no membership is missed; then the memberships; then the
   * topics of the conversations, and the versions of those new to this gateway, read after senders know that it hears them.
   * When the own topic is level, so that no membership that has ended meanwhile is left, delivery goes on from there.
   */
  async join(connection: ChatConnection): Promise<void> {
    await this.#lastChangeOf.get(connection)
    this.#topics.leaveAll(connection) // What an attempt that failed has left.
    const { userId } = connection.identity.actor
    const own = userTopic(userId)
    await this.#topics.join(connection, [own])
    const { membershipVersion, memberships, hasBlocked } = await this.#reader.membershipsOf(userId)
    await this.#blockedUsers.begin(userId, { hasBlocked })
    if (connection.hasEnded) return
    const conversations = memberships.map(({ conversationId }) => conversationTopic(conversationId))
    const unstarted = await this.#topics.join(connection, conversations)
    const positions = new Map(conversations.map((topic) => [topic, this.#topics.streams.positionOf(topic)]))
    // With the own topic's, the last: memberships that have ended before these versions are then known to have.
    const versions = unstarted.length === 0 ? [] : await this.#reader.versionsOf([...unstarted, own])
    unstarted.forEach((topic, index) => {
      positions.set(topic, versions[index]!)
      this.#topics.streams.start(topic, versions[index]!)
    })

    const joined = Promise.withResolvers<void>()
    const ended = new Map<string, number>()
    this.#lastChangeOf.set(connection, joined.promise)
    this.#endedWhileJoining.set(connection, ended)
    try {
      const ownVersion = versions[unstarted.length] ?? membershipVersion
      await this.#catchUp(connection, own, { after: membershipVersion, atLeast: ownVersion, visibleFrom: 0 })
      for (const { conversationId, joinedVersion, visibleFromSequence: visibleFrom } of memberships) {
        const topic = conversationTopic(conversationId)
        const after = Math.max(positions.get(topic) ?? 0, joinedVersion - 1)
        if ((ended.get(topic) ?? Infinity) <= after) this.#topics.leave(connection, topic)
        else await this.#catchUp(connection, topic, { after, visibleFrom })
      }
    } finally {
      this.#endedWhileJoining.delete(connection)
      joined.resolve()
    }
  }

  /**
   * Tells what came on the user's own topic, in its order; and that a conversation is theirs no more behind all that was told
   * in it: else what comes late would seem to be of a conversation that is not there.
   */
  tell(connection: ChatConnection, frame: Frame, membership?: MembershipSpan): void {
    const before = this.#untold.get(connection)
    if (before === undefined && !this.#isBehind(connection, membership)) {
      connection.sendFrame(frame)
      if (membership !== undefined) void this.#change(connection, membership)
      return
    }
    const isEnding = membership !== undefined && membership.leftVersion !== null
    const ended = before === undefined && isEnding ? this.#change(connection, membership) : undefined
    const told = Promise.resolve(before).then(async () => {
      if (isEnding) await (ended ?? this.#change(connection, membership))
      connection.sendFrame(frame)
      if (membership !== undefined && !isEnding) void this.#change(connection, membership)
      if (this.#untold.get(connection) === told) this.#untold.delete(connection)
    })
    this.#untold.set(connection, told)
  }

  /** Whether it ends before the connection has got all that was its own. Who joins is told in any order, and syncs. */
  #isBehind(connection: ChatConnection, membership: MembershipSpan | undefined): boolean {
    if (membership === undefined || membership.leftVersion === null) return false
    if (this.#endedWhileJoining.has(connection)) return false
    const topic = conversationTopic(membership.conversationId)
    const isHeard = this.#topics.index.find(connection, topic) !== undefined
    return isHeard && (this.#topics.streams.positionOf(topic) ?? 0) < membership.leftVersion
  }

  /** A membership of this connection's user has begun or ended. Resolves when the connection is in or out. */
  #change(connection: ChatConnection, membership: MembershipSpan): Promise<unknown> {
    const topic = conversationTopic(membership.conversationId)
    const { leftVersion } = membership
    if (leftVersion !== null) {
      this.#endedWhileJoining.get(connection)?.set(topic, leftVersion)
      // At once where it has got all that was its own: whatever the changes before this one still wait for.
      if (leftVersion <= (this.#topics.streams.positionOf(topic) ?? 0)) this.#leaveEnded(connection, topic, leftVersion)
    }
    const visibleFrom = membership.visibleFromSequence
    const missed: Missed =
      leftVersion === null
        ? { after: membership.joinedVersion - 1, visibleFrom }
        : { after: 0, atLeast: leftVersion, until: leftVersion, visibleFrom }
    const last = this.#lastChangeOf.get(connection) ?? Promise.resolve()
    const change = last.then(() =>
      retrying('membership change', { wanted: () => !connection.hasEnded, log: this.#log }, () =>
        leftVersion === null
          ? this.#begin(connection, topic, missed)
          : this.#end(connection, topic, missed, leftVersion),
      ),
    )
    this.#lastChangeOf.set(connection, change)
    return change
  }

  /** This version of the topic was the user's last. */
  end(userId: string, topic: string, leftVersion: number): void {
    for (const connection of this.#topics.index.connectionsOf(userTopic(userId))) {
      this.#leaveEnded(connection, topic, leftVersion)
    }
  }

  /** An added member's connection joins the topic, then gets what came since the joining version. */
  async #begin(connection: ChatConnection, topic: string, missed: Missed): Promise<void> {
    const from = this.#topics.index.find(connection, topic)
    if (from !== undefined && from !== NOT_YET) return
    await this.#topics.join(connection, [topic])
    const [version = 0] = await this.#reader.versionsOf([topic])
    missed.atLeast = version
    await this.#catchUp(connection, topic, missed)
  }

  /** A removed member gets everything up to the version that removed them, and nothing after it. */
  async #end(connection: ChatConnection, topic: string, missed: Missed, leftVersion: number): Promise<void> {
    const { index, streams } = this.#topics
    const from = index.find(connection, topic)
    if (from === undefined) return
    const position = streams.positionOf(topic) ?? 0
    if (from !== NOT_YET && position < leftVersion) {
      missed.after = Math.max(position, from - 1)
      index.subscribe(connection, topic, { from: NOT_YET, visibleFrom: 0 })
    }
    // A second attempt goes on where the first one has failed. What came to an end before it was begun has nothing to be told.
    if (missed.after > 0) await this.#catchUp(connection, topic, missed)
    this.#topics.leave(connection, topic)
  }

  /** A subscription from later on is of a later membership. */
  #leaveEnded(connection: ChatConnection, topic: string, leftVersion: number): void {
    const from = this.#topics.index.find(connection, topic)
    if (from !== undefined && from <= leftVersion) this.#topics.leave(connection, topic)
  }

  #deliver(connection: ChatConnection, delivery: Delivery): void {
    const frame = rawInvocation(delivery.event, delivery.argument)
    if (isUserTopic(delivery.topic)) this.tell(connection, frame, delivery.membership)
    else connection.sendFrame(frame)
  }
}
