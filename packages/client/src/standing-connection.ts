import type { HubConnection } from '@microsoft/signalr'
import { Backoff } from './backoff.ts'
import { pause } from './pause.ts'

/** A connection that held for so long was a good one. */
const STABLE_MS = 10_000
const WELCOME_TIMEOUT_MS = 30_000

export interface ConnectionListener {
  /** A visit begins with `Welcome`; its signal ends it. */
  began(visit: AbortSignal): void
  ended(): void
  /** An attempt was not let in. */
  failed(error: unknown): void
}

/**
 * Connects, and connects again for as long as it is not stopped: whatever has ended the connection or kept it from beginning.
 * The wait grows and is forgotten only after a connection that held.
 */
export class StandingConnection {
  readonly #connection: HubConnection
  readonly #listener: ConnectionListener
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #isUp = false
  #visit: AbortController | undefined
  #welcome: (() => void) | undefined

  constructor(connection: HubConnection, listener: ConnectionListener) {
    this.#connection = connection
    this.#listener = listener
    this.#running = this.#run()
  }

  /** Whether what comes is of a connection that has not ended. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Whether the server has said `Welcome` on the connection that is open. */
  get isOpen(): boolean {
    return this.#visit !== undefined
  }

  welcomed(): void {
    this.#welcome?.()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#isUp = false
    this.#end()
    await this.#connection.stop()
    await this.#running
  }

  async #run(): Promise<void> {
    const backoff = new Backoff()
    const { signal } = this.#stopping
    let closed = Promise.withResolvers<void>()
    this.#connection.onclose(() => {
      this.#isUp = false
      this.#end()
      closed.resolve()
    })
    while (!signal.aborted) {
      closed = Promise.withResolvers()
      const beganAtMs = performance.now()
      try {
        await this.#visitOnce(closed.promise)
        if (performance.now() - beganAtMs > STABLE_MS) backoff.forget()
      } catch (error) {
        if (!signal.aborted) this.#listener.failed(error)
      }
      await pause(backoff.nextMs(), signal)
    }
  }

  async #visitOnce(closed: Promise<void>): Promise<void> {
    const late = setTimeout(() => void this.#connection.stop(), WELCOME_TIMEOUT_MS)
    const welcomed = Promise.withResolvers<void>()
    this.#welcome = welcomed.resolve
    this.#isUp = true
    try {
      // `Welcome` may come before the client knows that it is connected and may call.
      await this.#connection.start()
      await Promise.race([welcomed.promise, closed])
      clearTimeout(late)
      if (this.#isUp) this.#begin()
      await closed
    } finally {
      clearTimeout(late)
      this.#isUp = false
      this.#welcome = undefined
    }
  }

  #begin(): void {
    this.#visit = new AbortController()
    this.#listener.began(this.#visit.signal)
  }

  #end(): void {
    if (this.#visit === undefined) return
    this.#visit.abort()
    this.#visit = undefined
    this.#listener.ended()
  }
}
