import { conversationTopic, userTopic, type Delivery, type MembershipSpan } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import { rawInvocation } from '@parley/signalr'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { retrying } from '../retrying.ts'
import type { TopicReader } from './topic-reader.ts'
import { NOT_YET, type Topics } from './topics.ts'

/** Gives this gateway's connections what is theirs, and moves them in and out of topics as memberships begin and end. */
export class LocalDelivery {
  readonly #topics: Topics
  readonly #reader: TopicReader
  readonly #log: Logger
  /** The memberships of one connection begin and end one after another. */
  readonly #lastChangeOf = new WeakMap<ChatConnection, Promise<unknown>>()

  constructor(options: { topics: Topics; reader: TopicReader; log: Logger }) {
    this.#topics = options.topics
    this.#reader = options.reader
    this.#log = options.log
  }

  /** Delivers the next version of a topic. */
  deliver(delivery: Delivery): void {
    const { topic, version, membership, left } = delivery
    const frame = rawInvocation(delivery.event, delivery.argument)
    const moved: ChatConnection[] = []
    this.#topics.index.forEachAt(topic, version, (connection) => {
      if (membership !== undefined) moved.push(connection)
      connection.sendFrame(frame)
    })
    if (membership !== undefined) for (const connection of moved) this.#applyMembership(connection, membership)
    if (left !== undefined) this.#removeUser(left, topic, version)
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
    const { membershipVersion, memberships } = await this.#reader.membershipsOf(userId)
    if (connection.hasEnded) return
    const conversations = memberships.map(({ conversationId }) => conversationTopic(conversationId))
    const unstarted = await this.#topics.join(connection, conversations)
    const versions = await this.#reader.versionsOf(unstarted)
    unstarted.forEach((topic, index) => this.#topics.streams.start(topic, versions[index]!))
    const positions = conversations.map((topic) => this.#topics.streams.positionOf(topic) ?? 0)

    const joined = Promise.withResolvers<void>()
    this.#lastChangeOf.set(connection, joined.promise)
    try {
      await this.#catchUp(connection, own, { after: membershipVersion })
      for (const [index, topic] of conversations.entries()) {
        await this.#catchUp(connection, topic, {
          after: Math.max(positions[index]!, memberships[index]!.joinedVersion - 1),
        })
      }
    } finally {
      joined.resolve()
    }
  }

  leave(connection: ChatConnection): void {
    this.#topics.leaveAll(connection)
  }

  /**
   * Gives one connection what came after a version, until it is level with the topic's stream. Seeing that it is level and
   * subscribing it from there happen in the same turn, so nothing fits between them. What takes its user out ends it.
   */
  async #catchUp(
    connection: ChatConnection,
    topic: string,
    { after, atLeast = after, until = Infinity }: { after: number; atLeast?: number; until?: number },
  ): Promise<void> {
    const { index, streams } = this.#topics
    let reached = after
    while (reached < Math.min(until, Math.max(atLeast, streams.positionOf(topic) ?? 0))) {
      for await (const { deliveries, to } of this.#reader.changesAfter(topic, reached)) {
        if (connection.hasEnded) return
        for (const delivery of deliveries) {
          if (delivery.version > until) break
          this.#deliverTo(connection, delivery)
          if (delivery.left === connection.identity.actor.userId) return this.#topics.leave(connection, topic)
        }
        if (to <= reached) throw new Error(`the changes of ${topic} end at ${to}`)
        reached = to
      }
    }
    if (connection.hasEnded || index.find(connection, topic) === undefined) return
    index.subscribe(connection, topic, reached + 1)
    streams.start(topic, reached)
  }

  #deliverTo(connection: ChatConnection, delivery: Delivery): void {
    connection.sendFrame(rawInvocation(delivery.event, delivery.argument))
    if (delivery.membership !== undefined) this.#applyMembership(connection, delivery.membership)
  }

  #applyMembership(connection: ChatConnection, membership: MembershipSpan): void {
    const topic = conversationTopic(membership.conversationId)
    const last = this.#lastChangeOf.get(connection) ?? Promise.resolve()
    const change = last.then(() =>
      retrying('membership change', { wanted: () => !connection.hasEnded, log: this.#log }, () =>
        membership.leftVersion === null
          ? this.#begin(connection, topic, membership.joinedVersion)
          : this.#end(connection, topic, membership.leftVersion),
      ),
    )
    this.#lastChangeOf.set(connection, change)
  }

  /** An added member's connection joins the topic, then gets what came since the joining version. */
  async #begin(connection: ChatConnection, topic: string, joinedVersion: number): Promise<void> {
    const from = this.#topics.index.find(connection, topic)
    if (from !== undefined && from !== NOT_YET) return
    await this.#topics.join(connection, [topic])
    const [version = 0] = await this.#reader.versionsOf([topic])
    await this.#catchUp(connection, topic, { after: joinedVersion - 1, atLeast: version })
  }

  /** A removed member gets everything up to the version that removed them, and nothing after it. */
  async #end(connection: ChatConnection, topic: string, leftVersion: number): Promise<void> {
    const { index, streams } = this.#topics
    const from = index.find(connection, topic)
    if (from === undefined) return
    const position = streams.positionOf(topic) ?? 0
    if (from !== NOT_YET && position < leftVersion) {
      index.subscribe(connection, topic, NOT_YET)
      const after = Math.max(position, from - 1)
      await this.#catchUp(connection, topic, { after, atLeast: leftVersion, until: leftVersion })
    }
    this.#topics.leave(connection, topic)
  }

  #removeUser(userId: string, topic: string, leftVersion: number): void {
    for (const connection of this.#topics.index.connectionsOf(userTopic(userId))) {
      const from = this.#topics.index.find(connection, topic)
      if (from !== undefined && from <= leftVersion) this.#topics.leave(connection, topic)
    }
  }
}
