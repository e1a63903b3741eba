import type { CallContext } from '@parley/bus'
import { refuse, type UserPresence } from '@parley/contracts'
import { limits, type PresenceState } from '@parley/protocol'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { PresenceReader } from './presence-reader.ts'
import { isSameState, seenState, unknownUser, type Relation } from './seen-state.ts'
import { ToldStates, type SeenChange } from './told-states.ts'
import { Turns } from './turns.ts'
import { WatchIndex } from './watch-index.ts'

const viewerOf = (connection: ChatConnection): string => connection.identity.actor.userId

/**
 * Whom this gateway's connections watch. Knows how each watched user is, the newest version of it, and tells each viewer what
 * changes in what they may see.
 */
export class Watches implements Disposable {
  readonly #reader: PresenceReader
  readonly #index = new WatchIndex()
  /** Of users that are watched, or watch. */
  readonly #known = new Map<string, UserPresence>()
  readonly #told = new ToldStates()
  /** What users are to a connection's is read one after another, so that the newest answer is the last. */
  readonly #reading = new Turns<ChatConnection>()

  constructor(reader: PresenceReader) {
    this.#reader = reader
  }

  readonly figures = ((watches: Watches) => ({
    get watchedUsers() {
      return watches.#index.watchedUsers
    },
    get watches() {
      return watches.#index.watches
    },
    get told() {
      return watches.#told.told
    },
  }))(this)

  /** How these users are seen by a user. */
  async look(userId: string, userIds: readonly string[], within?: CallContext): Promise<PresenceState[]> {
    const named = [...new Set(userIds)]
    const [states, relations] = await Promise.all([
      this.#reader.statesOf([...new Set([...named, userId])], within),
      this.#reader.relationsOf(userId, named, within),
    ])
    const known = new Map(states.map((state) => [state.userId, state]))
    const visibleTo = known.get(userId)?.visibleTo ?? 'nobody'
    return named.map((named) =>
      seenState(known.get(named) ?? unknownUser(named), { relation: relations.get(named) ?? 'none', visibleTo }),
    )
  }

  /** From now on the connection is told of these too. What changes while this is asked is in the answer, or told after it. */
  async watch(connection: ChatConnection, userIds: readonly string[], within?: CallContext): Promise<PresenceState[]> {
    const named = [...new Set(userIds)]
    const watched = new Set(this.#index.watchedBy(connection))
    const fresh = named.filter((userId) => !watched.has(userId))
    if (watched.size + fresh.length > limits.watchedUsers) throw refuse.too_many_watched()
    const viewer = viewerOf(connection)
    if (!this.#index.needs(connection, viewer)) this.#index.set(connection, viewer, 'self unwatched')
    for (const userId of fresh) this.#index.set(connection, userId, 'none')
    try {
      return await this.#reading.take(connection, async () => {
        const [states, relations] = await Promise.all([
          this.#reader.statesOf([...new Set([...named, viewer])], within),
          this.#reader.relationsOf(viewer, named, within),
        ])
        this.receive(states)
        this.#told.forget(connection, named)
        return named.map((userId) => {
          const relation = relations.get(userId) ?? 'none'
          if (this.#index.needs(connection, userId)) this.#index.set(connection, userId, relation)
          return this.#seen(connection, this.#of(userId), relation)
        })
      })
    } catch (error) {
      this.unwatch(connection, fresh)
      throw error
    } finally {
      if (connection.hasEnded) this.endConnection(connection)
    }
  }

  unwatch(connection: ChatConnection, userIds: readonly string[]): void {
    this.#told.forget(connection, userIds)
    for (const userId of userIds) {
      if (userId === viewerOf(connection)) this.#index.set(connection, userId, 'self unwatched')
      else if (this.#index.remove(connection, userId)) this.#known.delete(userId)
    }
    if (this.#index.watchedBy(connection).length === 0) this.#forget(connection)
  }

  endConnection(connection: ChatConnection): void {
    this.#told.endConnection(connection)
    this.#forget(connection)
  }

  /** How users are now. What is not newer is known, and what nobody here needs is dropped. */
  receive(states: readonly UserPresence[]): void {
    const changed = new Map<ChatConnection, SeenChange[]>()
    const add = (connection: ChatConnection, changes: readonly SeenChange[]) => {
      const others = changed.get(connection)
      if (others === undefined) changed.set(connection, [...changes])
      else others.push(...changes)
    }
    for (const state of states) {
      const { userId } = state
      if (!this.#index.hasUser(userId)) continue
      const before = this.#of(userId)
      if (state.version <= before.version) continue
      this.#index.forEachOf(userId, (connection, relation) => {
        if (relation !== undefined) {
          const seen = (state: UserPresence) => this.#seen(connection, state, relation)
          add(connection, changeOf(seen(before), seen(state)))
        }
        if (viewerOf(connection) === userId && state.visibleTo !== before.visibleTo) {
          add(connection, this.#seenOtherwise(connection, before.visibleTo, state.visibleTo))
        }
      })
      this.#known.set(userId, state)
    }
    for (const [connection, changes] of changed) this.#told.tell(connection, changes)
  }

  /** Those whose state is needed here. */
  users(): string[] {
    return this.#index.users()
  }

  /** Those of whom it could not be told how they are. */
  unknownUsers(): string[] {
    return this.#index.users().filter((userId) => this.#of(userId).version === 0)
  }

  /** Reads the states of these users again. */
  async readAgain(userIds: readonly string[]): Promise<void> {
    this.receive(await this.#reader.statesOf(userIds))
  }

  /** Reads again what the users whom a connection watches are to its user, and tells what is seen otherwise for it. */
  readRelationsAgain(connection: ChatConnection): Promise<void> {
    return this.#reading.take(connection, async () => {
      const watched = this.#index.watchedBy(connection)
      if (watched.length === 0) return
      const relations = await this.#reader.relationsOf(viewerOf(connection), watched)
      const changes: SeenChange[] = []
      for (const [userId, relation] of relations) {
        const before = this.#index.relationOf(connection, userId)
        if (before === undefined || before === relation) continue
        this.#index.set(connection, userId, relation)
        const seen = (relation: Relation) => this.#seen(connection, this.#of(userId), relation)
        changes.push(...changeOf(seen(before), seen(relation)))
      }
      this.#told.tell(connection, changes)
    })
  }

  /** The connections that watch a user, or are of the user and watch others. */
  concernedBy(userId: string): ChatConnection[] {
    const concerned: ChatConnection[] = []
    this.#index.forEachOf(userId, (connection) => concerned.push(connection))
    return concerned
  }

  /** The connections of either of two users that watch the other. */
  watchingBetween(one: string, other: string): ChatConnection[] {
    const viewersOf = (viewer: string, watched: string) =>
      this.concernedBy(viewer).filter(
        (connection) => viewerOf(connection) === viewer && this.#index.relationOf(connection, watched) !== undefined,
      )
    return [...viewersOf(one, other), ...viewersOf(other, one)]
  }

  /** The connections that watch users with whom theirs shares nothing. */
  watchingStrangers(): ChatConnection[] {
    return this.#index.withStrangers()
  }

  [Symbol.dispose](): void {
    this.#told[Symbol.dispose]()
  }

  #forget(connection: ChatConnection): void {
    for (const userId of this.#index.removeConnection(connection)) this.#known.delete(userId)
  }

  #of(userId: string): UserPresence {
    return this.#known.get(userId) ?? unknownUser(userId)
  }

  #seen(connection: ChatConnection, state: UserPresence, relation: Relation): PresenceState {
    return seenState(state, { relation, visibleTo: this.#of(viewerOf(connection)).visibleTo })
  }

  /** What a viewer sees otherwise because they are visible to others than before. */
  #seenOtherwise(connection: ChatConnection, before: VisibleTo, now: VisibleTo): SeenChange[] {
    return this.#index.watchedBy(connection).flatMap((userId) => {
      const relation = this.#index.relationOf(connection, userId) ?? 'none'
      const seen = (visibleTo: VisibleTo) => seenState(this.#of(userId), { relation, visibleTo })
      return changeOf(seen(before), seen(now))
    })
  }
}

type VisibleTo = UserPresence['visibleTo']

const changeOf = (before: PresenceState, now: PresenceState): SeenChange[] =>
  isSameState(before, now) ? [] : [{ before, now }]
