import { must, type Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { Turns } from '../presence/turns.ts'
import { retrying } from '../retrying.ts'

/** Whom the users who are connected here have blocked. Nothing is kept of those who have blocked nobody. */
export class BlockedUsers {
  readonly #calls: Pick<Callers<typeof messaging>, 'listBlockedUsers'>
  readonly #connectionsOf: (userId: string) => readonly ChatConnection[]
  readonly #log: Logger
  readonly #blockedBy = new Map<string, ReadonlySet<string>>()
  /** Those of one user are read one after another, so that the newest answer is the last. */
  readonly #reading = new Turns<string>()

  constructor(options: {
    calls: Pick<Callers<typeof messaging>, 'listBlockedUsers'>
    connectionsOf: (userId: string) => readonly ChatConnection[]
    log: Logger
  }) {
    this.#calls = options.calls
    this.#connectionsOf = options.connectionsOf
    this.#log = options.log
  }

  /** Undefined for who has blocked nobody. */
  of(userId: string): ReadonlySet<string> | undefined {
    return this.#blockedBy.get(userId)
  }

  /** A connection of this user's begins. Resolves when whom they have blocked is known; rejects when it can not be read. */
  async begin(userId: string, { hasBlocked }: { hasBlocked: boolean }): Promise<void> {
    if (hasBlocked !== this.#blockedBy.has(userId)) await this.#read(userId)
  }

  /** The user has blocked somebody, or does so no more. */
  changed(userId: string): void {
    const wanted = () => this.#connectionsOf(userId).length > 0
    void retrying('reading blocked users', { wanted, log: this.#log }, () => this.#read(userId))
  }

  /** No connection of the user is left. */
  forget(userId: string): void {
    this.#blockedBy.delete(userId)
  }

  #read(userId: string): Promise<void> {
    return this.#reading.take(userId, async () => {
      const [connection] = this.#connectionsOf(userId)
      if (connection === undefined) return
      const { userIds } = must(await this.#calls.listBlockedUsers({ actor: connection.identity.actor }))
      if (userIds.length === 0 || this.#connectionsOf(userId).length === 0) this.#blockedBy.delete(userId)
      else this.#blockedBy.set(userId, new Set(userIds))
    })
  }
}
