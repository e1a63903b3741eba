import type { HubConnection } from '@microsoft/signalr'
import { Backoff } from './backoff.ts'
import { pause } from './pause.ts'

/** A connection that held for so long was a good one. */
const STABLE_MS = 10_000
const WELCOME_TIMEOUT_MS = 30_000
const MOST_WANTED_PAUSE_MS = 60_000

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
  /** When the server has last said `Welcome`. */
  #beganAtMs = Infinity
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
    let closed = Promise.withResolvers<Error | undefined>()
    this.#connection.onclose((error) => {
      this.#isUp = false
      this.#end()
      closed.resolve(error)
    })
    while (!signal.aborted) {
      closed = Promise.withResolvers()
      let leastMs = 0
      this.#beganAtMs = Infinity
      try {
        leastMs = wantedPauseMs(await this.#visitOnce(closed.promise))
      } catch (error) {
        if (!signal.aborted) this.#listener.failed(error)
      }
      if (performance.now() - this.#beganAtMs > STABLE_MS) backoff.forget()
      await pause(leastMs + backoff.nextMs(), signal)
    }
  }

  /** Resolves when it is over, with the reason if one was given. */
  async #visitOnce(closed: Promise<Error | undefined>): Promise<Error | undefined> {
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
      return await closed
    } finally {
      clearTimeout(late)
      this.#isUp = false
      this.#welcome = undefined
    }
  }

  #begin(): void {
    this.#beganAtMs = performance.now()
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

/** A server that goes away may say when it wants the client back. */
function wantedPauseMs(error: Error | undefined): number {
  const [, ms = '0'] = /\bretryAfterMs=(\d+)/.exec(error?.message ?? '') ?? []
  return Math.min(Number(ms), MOST_WANTED_PAUSE_MS)
}
