import { SubscriptionIndex } from '../delivery/subscription-index.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { Relation } from './seen-state.ts'

/** Kept as a number. The last is of a viewer who does not watch themselves: what they show decides what they see. */
const RELATIONS = ['none', 'shared', 'contact', 'self', 'self unwatched'] as const

type KeptRelation = (typeof RELATIONS)[number]

/** Who watches whom, and what the watched user is to the viewer: 36 bytes each, and nothing for who watches nobody. */
export class WatchIndex {
  readonly #index = new SubscriptionIndex<ChatConnection>()

  get watchedUsers(): number {
    return this.#index.topicCount
  }

  get watches(): number {
    return this.#index.subscriptionCount
  }

  hasUser(userId: string): boolean {
    return this.#index.hasTopic(userId)
  }

  users(): string[] {
    return [...this.#index.topics()]
  }

  /** Adds a watch, or changes the relation. A viewer also counts as watching themselves, unasked. */
  set(connection: ChatConnection, userId: string, relation: KeptRelation): void {
    this.#index.subscribe(connection, userId, { from: RELATIONS.indexOf(relation), visibleFrom: 0 })
  }

  /** Undefined if the connection does not watch the user. */
  relationOf(connection: ChatConnection, userId: string): Relation | undefined {
    return shown(this.#kept(connection, userId))
  }

  /** Whether something of this user is needed for the connection. */
  needs(connection: ChatConnection, userId: string): boolean {
    return this.#kept(connection, userId) !== undefined
  }

  /** Those whom a connection watches. */
  watchedBy(connection: ChatConnection): string[] {
    return this.#index.topicsOf(connection).filter((userId) => this.relationOf(connection, userId) !== undefined)
  }

  /** Visits those that watch a user, or are of the user and watch others: these have no relation. */
  forEachOf(userId: string, visit: (connection: ChatConnection, relation: Relation | undefined) => void): void {
    this.#index.forEachAt({ topic: userId, version: RELATIONS.length }, (connection, kept) =>
      visit(connection, shown(RELATIONS[kept])),
    )
  }

  /** Those that watch users who are nothing to theirs. */
  withStrangers(): ChatConnection[] {
    const found = new Set<ChatConnection>()
    const version = RELATIONS.indexOf('none')
    for (const topic of this.#index.topics()) {
      this.#index.forEachAt({ topic, version }, (connection) => found.add(connection))
    }
    return [...found]
  }

  /** True when nobody needs the user any more. */
  remove(connection: ChatConnection, userId: string): boolean {
    return this.#index.unsubscribe(connection, userId)
  }

  /** The users whom nobody needs any more. */
  removeConnection(connection: ChatConnection): string[] {
    return this.#index.removeConnection(connection)
  }

  #kept(connection: ChatConnection, userId: string): KeptRelation | undefined {
    const kept = this.#index.find(connection, userId)
    return kept === undefined ? undefined : RELATIONS[kept]
  }
}

const shown = (kept: KeptRelation | undefined): Relation | undefined => (kept === 'self unwatched' ? undefined : kept)
