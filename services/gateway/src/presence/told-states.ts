import type { PresenceState } from '@parley/protocol'
import { Agenda } from '../agenda.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { isSameState } from './seen-state.ts'

/** How often a connection is told at most. */
const SPACE_MS = 1_000

/** A user is seen otherwise than before. */
export interface SeenChange {
  readonly before: PresenceState
  readonly now: PresenceState
}

/**
 * Tells connections of changed states: the first at once, those that come within the second after it together at its end, and
 * the newest of each user, unless that is what the connection knows. A client that is slow to take what it is told is told
 * when it has.
 */
export class ToldStates implements Disposable {
  /** Of connections that were told within the last second, or are slow: what waits, by user. */
  readonly #waiting = new Map<ChatConnection, Map<string, SeenChange>>()
  readonly #agenda = new Agenda<ChatConnection>((connection) => this.#look(connection))
  #told = 0

  /** How many states connections were told of. */
  get told(): number {
    return this.#told
  }

  tell(connection: ChatConnection, changes: readonly SeenChange[]): void {
    if (changes.length === 0 || connection.hasEnded) return
    const waitsAlready = this.#waiting.get(connection)
    const waiting = waitsAlready ?? new Map<string, SeenChange>()
    for (const { before, now } of changes) {
      const known = waiting.get(now.userId)?.before ?? before
      if (isSameState(known, now)) waiting.delete(now.userId)
      else waiting.set(now.userId, { before: known, now })
    }
    if (waitsAlready !== undefined) return
    this.#waiting.set(connection, waiting)
    this.#look(connection)
  }

  /** It knows how these are, or is not to be told of them any more. */
  forget(connection: ChatConnection, userIds: Iterable<string>): void {
    const waiting = this.#waiting.get(connection)
    if (waiting !== undefined) for (const userId of userIds) waiting.delete(userId)
  }

  endConnection(connection: ChatConnection): void {
    this.#agenda.cancel(connection)
    this.#waiting.delete(connection)
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#waiting.clear()
  }

  #look(connection: ChatConnection): void {
    const waiting = this.#waiting.get(connection)
    if (waiting === undefined || waiting.size === 0 || connection.hasEnded) {
      this.#waiting.delete(connection)
      return
    }
    this.#agenda.schedule(connection, SPACE_MS)
    if (connection.isSlow) return
    const states = Array.from(waiting.values(), ({ now }) => now)
    waiting.clear()
    this.#told += states.length
    connection.send('PresenceChanged', states)
  }
}
