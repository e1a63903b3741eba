import { conversationTopic, isUserTopic, userTopic, type Delivery } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import { rawInvocation } from '@parley/signalr'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import type { Memberships } from './memberships.ts'
import { SpacedUpdates } from './spaced-updates.ts'
import { syncRequired } from './sync-required.ts'
import type { ChangePage } from './topic-reader.ts'
import { LATEST, NOT_YET, type Topics } from './topics.ts'

/** Gives this gateway's connections what is theirs. */
export class LocalDelivery implements Disposable {
  readonly #topics: Topics
  readonly #memberships: Memberships
  #onRelationsChanged: (userId: string) => void = () => undefined
  readonly #updates = new SpacedUpdates((delivery) => this.#tell(delivery))

  readonly #counts: Pick<DeliveryCounts, 'syncsRequired'>

  constructor(options: { topics: Topics; memberships: Memberships; counts: Pick<DeliveryCounts, 'syncsRequired'> }) {
    this.#counts = options.counts
    this.#topics = options.topics
    this.#memberships = options.memberships
    this.#topics.onForgotten((topic) => this.#updates.forget(topic))
  }

  /** Delivers the next change of a topic. */
  deliver(delivery: Delivery): void {
    const { topic, version, left } = delivery
    this.#updates.receive(delivery)
    if (left !== undefined) this.#end(left, topic, version)
    if (delivery.event === 'MemberJoined') this.#onRelationsChanged(joinedUser(delivery))
  }

  /** A topic goes on from a later version: its connections are told to fetch what they did not get. */
  skip(topic: string, { deliveries, to }: ChangePage): void {
    this.#updates.forget(topic)
    for (const { left, version } of deliveries) {
      if (left !== undefined) this.#end(left, topic, version)
    }
    const frame = syncRequired(topic)
    this.#topics.index.forEachAt({ topic, version: to }, (connection) => {
      this.#counts.syncsRequired += 1
      connection.sendFrame(frame)
    })
  }

  /** Resolves when the connection gets all that is its user's, from then on. */
  join(connection: ChatConnection): Promise<void> {
    return this.#memberships.join(connection)
  }

  leave(connection: ChatConnection): void {
    this.#topics.leaveAll(connection)
  }

  /** Whether a connection gets what is told in a conversation: its user is a member, as far as is known here. */
  hears(connection: ChatConnection, conversationId: string): boolean {
    return (this.#topics.index.find(connection, conversationTopic(conversationId)) ?? NOT_YET) !== NOT_YET
  }

  /** The connections that get what is told in a conversation now. */
  hearersOf(conversationId: string): ChatConnection[] {
    const hearers: ChatConnection[] = []
    const topic = conversationTopic(conversationId)
    this.#topics.index.forEachAt({ topic, version: LATEST }, (connection) => hearers.push(connection))
    return hearers
  }

  /** The connections of a user, the newest first. */
  connectionsOf(userId: string): ChatConnection[] {
    return this.#topics.index.connectionsOf(userTopic(userId))
  }

  /** Calls back for each user who came into a conversation that is heard here, or went out of it. */
  onRelationsChanged(listener: (userId: string) => void): void {
    this.#onRelationsChanged = listener
  }

  [Symbol.dispose](): void {
    this.#updates[Symbol.dispose]()
  }

  #end(userId: string, topic: string, version: number): void {
    this.#memberships.end(userId, topic, version)
    this.#onRelationsChanged(userId)
  }

  #tell(delivery: Delivery): void {
    const { membership } = delivery
    const frame = rawInvocation(delivery.event, delivery.argument)
    if (!isUserTopic(delivery.topic)) {
      this.#topics.index.forEachAt(delivery, (connection) => connection.sendFrame(frame))
      return
    }
    const own: ChatConnection[] = []
    this.#topics.index.forEachAt(delivery, (connection) => own.push(connection))
    for (const connection of own) this.#memberships.tell(connection, frame, membership)
    if (membership !== undefined) this.#onRelationsChanged(delivery.topic.slice('u:'.length))
  }
}

const decoder = new TextDecoder()

const joinedUser = ({ argument }: Delivery): string =>
  (JSON.parse(decoder.decode(argument)) as HubEvent<'MemberJoined'>).member.userId
