import type { GatewayRouting } from '@parley/routing'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { SubscriptionIndex } from './subscription-index.ts'
import type { TopicStreams } from './topic-streams.ts'

/** No version is this high: a subscription from here on hears nothing yet. */
export const NOT_YET = Infinity
/** What has no version is for all that hear anything: it is heard as if it had this one. */
export const LATEST = Number.MAX_SAFE_INTEGER

/** The topics that this gateway hears, who of its connections hears them, and Redis knowing of it. */
export class Topics {
  readonly index = new SubscriptionIndex<ChatConnection>()
  readonly streams: TopicStreams
  readonly #routing: Pick<GatewayRouting, 'addInterest' | 'removeInterest'>
  /** Interest that senders cannot know of yet, by topic. */
  readonly #registering = new Map<string, Promise<void>>()
  readonly #onForgotten: ((topic: string) => void)[] = []

  constructor(streams: TopicStreams, routing: Pick<GatewayRouting, 'addInterest' | 'removeInterest'>) {
    this.streams = streams
    this.#routing = routing
  }

  /**
   * Subscribes a connection to topics, to hear nothing yet, and waits until senders know that this gateway hears them. Returns
   * those whose position is not known: whoever joins must `start` them with a version read after this.
   */
  async join(connection: ChatConnection, topics: readonly string[]): Promise<string[]> {
    const fresh: string[] = []
    for (const topic of topics) {
      this.index.subscribe(connection, topic, { from: NOT_YET, visibleFrom: 0 })
      if (this.streams.join(topic)) fresh.push(topic)
    }
    const registered = this.#register(fresh)
    await Promise.all([registered, ...topics.map((topic) => this.#registering.get(topic))])
    return topics.filter((topic) => this.streams.positionOf(topic) === undefined)
  }

  leave(connection: ChatConnection, topic: string): void {
    if (this.index.unsubscribe(connection, topic)) this.#forget([topic])
  }

  leaveAll(connection: ChatConnection): void {
    this.#forget(this.index.removeConnection(connection))
  }

  /** Calls back for each topic that nobody here hears any more. */
  onForgotten(forget: (topic: string) => void): void {
    this.#onForgotten.push(forget)
  }

  async #register(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return
    const registered = this.#routing.addInterest(topics)
    for (const topic of topics) this.#registering.set(topic, registered)
    await registered
    for (const topic of topics) if (this.#registering.get(topic) === registered) this.#registering.delete(topic)
  }

  #forget(topics: readonly string[]): void {
    for (const topic of topics) {
      this.streams.leave(topic)
      for (const forget of this.#onForgotten) forget(topic)
    }
    this.#routing.removeInterest(topics)
  }
}
