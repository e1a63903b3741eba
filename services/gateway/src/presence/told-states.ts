import type { PresenceState } from '@parley/protocol'
import { Agenda } from '../agenda.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'

/** How often a connection is told at most. */
const SPACE_MS = 1_000

/**
 * Tells connections of changed states: the first at once, those that come within the second after it together at its end, and
 * the newest of each user. A client that is slow to take what it is told is told when it has.
 */
export class ToldStates implements Disposable {
  /** Of connections that were told within the last second, what waits, by user. */
  readonly #waiting = new Map<ChatConnection, Map<string, PresenceState>>()
  readonly #agenda = new Agenda<ChatConnection>((connection) => this.#look(connection))
  #told = 0

  /** How many states connections were told of. */
  get told(): number {
    return this.#told
  }

  tell(connection: ChatConnection, states: readonly PresenceState[]): void {
    if (states.length === 0 || connection.hasEnded) return
    const waiting = this.#waiting.get(connection)
    if (waiting !== undefined) {
      for (const state of states) waiting.set(state.userId, state)
      return
    }
    this.#waiting.set(connection, new Map(states.map((state) => [state.userId, state])))
    this.#look(connection)
  }

  /** It is not to be told of these any more. */
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
    const states = [...waiting.values()]
    waiting.clear()
    this.#told += states.length
    connection.send('PresenceChanged', states)
  }
}
