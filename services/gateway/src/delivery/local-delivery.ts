import { conversationTopic, type Delivery } from '@parley/contracts'
import { rawInvocation } from '@parley/signalr'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { Memberships } from './memberships.ts'
import { SpacedUpdates } from './spaced-updates.ts'
import { syncRequired } from './sync-required.ts'
import type { ChangePage } from './topic-reader.ts'
import { NOT_YET, type Topics } from './topics.ts'

/** Gives this gateway's connections what is theirs. */
export class LocalDelivery implements Disposable {
  readonly #topics: Topics
  readonly #memberships: Memberships
  readonly #updates = new SpacedUpdates((delivery) => this.#tell(delivery))

  constructor(options: { topics: Topics; memberships: Memberships }) {
    this.#topics = options.topics
    this.#memberships = options.memberships
    this.#topics.onForgotten((topic) => this.#updates.forget(topic))
  }

  /** Delivers the next change of a topic. */
  deliver(delivery: Delivery): void {
    const { topic, version, left } = delivery
    this.#updates.receive(delivery)
    if (left !== undefined) this.#memberships.end(left, topic, version)
  }

  /** A topic goes on from a later version: its connections are told to fetch what they did not get. */
  skip(topic: string, { deliveries, to }: ChangePage): void {
    this.#updates.forget(topic)
    for (const { left, version } of deliveries) {
      if (left !== undefined) this.#memberships.end(left, topic, version)
    }
    const frame = syncRequired(topic)
    this.#topics.index.forEachAt({ topic, version: to }, (connection) => connection.sendFrame(frame))
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

  [Symbol.dispose](): void {
    this.#updates[Symbol.dispose]()
  }

  #tell(delivery: Delivery): void {
    const { membership } = delivery
    const frame = rawInvocation(delivery.event, delivery.argument)
    const moved: ChatConnection[] = []
    this.#topics.index.forEachAt(delivery, (connection) => {
      if (membership !== undefined) moved.push(connection)
      connection.sendFrame(frame)
    })
    if (membership !== undefined) for (const connection of moved) this.#memberships.change(connection, membership)
  }
}
