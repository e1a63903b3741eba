import { ConnectionEndedError } from '../hub/connection-ended-error.ts'
import type { DisconnectReason } from '../hub/hub.ts'
import type { Connection } from './connection.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { Inbox } from './inbox.ts'

/** What the hub hears of one connection: that it begins, and exactly once, behind everything else, that it has ended. */
export class HubContact<Identity, State> {
  readonly #host: ConnectionHost<Identity, State>
  readonly #connection: Connection<Identity, State>
  readonly #inbox: Inbox
  /** While the hub is being told of the beginning. */
  #beginning: PromiseWithResolvers<void> | undefined
  #isKnown = false

  constructor(host: ConnectionHost<Identity, State>, connection: Connection<Identity, State>, inbox: Inbox) {
    this.#host = host
    this.#connection = connection
    this.#inbox = inbox
  }

  /** Throws what the hub throws. */
  async begin(): Promise<void> {
    const { hub } = this.#host
    const beginning = Promise.withResolvers<void>()
    this.#beginning = beginning
    try {
      if (hub.createState !== undefined) this.#connection.state = hub.createState(this.#connection.identity)
      this.#host.opened(this.#connection)
      this.#isKnown = true
      await hub.onConnected?.(this.#connection)
    } finally {
      this.#beginning = undefined
      beginning.resolve()
    }
  }

  /** Never rejects. */
  async end(reason: DisconnectReason): Promise<void> {
    const { hub, log, invocationGraceMs } = this.#host
    const connectionId = this.#connection.id
    await this.#beginning?.promise
    if (!this.#isKnown) return
    if (!(await this.#inbox.settled(invocationGraceMs))) {
      log.warn({ connectionId, invocationGraceMs }, 'hub method outlives its connection')
      this.#inbox.end(new ConnectionEndedError())
    }
    try {
      await hub.onDisconnected?.(this.#connection, reason)
    } catch (error) {
      log.error({ error, connectionId }, 'hub could not take leave of a connection')
    }
  }
}
