import type { IncomingMessage } from 'node:http'
import type { AbandonedSockets } from '../abandoned-sockets.ts'
import { HubRefusal, unknownConnection } from '../http/hub-refusal.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import type { TimingWheel, WheelEntry } from '../timing-wheel.ts'
import { RequestBody, type BodyLimits } from './request-body.ts'
import type { Transport, TransportEnding, TransportListener } from './transport.ts'
import type { TransportName } from './transport-name.ts'

/** What all transports over plain HTTP requests share. */
export interface HttpTransportHost {
  readonly wheel: TimingWheel
  readonly abandoned: AbandonedSockets
  readonly bodyLimits: BodyLimits
  /** POSTs of one connection that may have their turn or wait for it. */
  readonly postsAtOnce: number
  /** After so many ticks a poll is answered with nothing. */
  readonly pollTicks: number
  /** For so many ticks a client may do without a poll. */
  readonly disconnectTicks: number
  /** For so many ticks a client may take what was written before the end. */
  readonly closeTicks: number
  closed(transport: HttpTransport): void
}

/**
 * A transport whose client sends by POST. The answer to a POST waits while the connection is paused, and the next body is
 * not even read before: that is what holds the client back.
 */
export abstract class HttpTransport implements Transport, WheelEntry {
  abstract readonly name: TransportName
  abstract readonly bufferedBytes: number
  readonly connectionId: string
  wheelSlot = -1
  protected readonly listener: TransportListener
  protected readonly host: HttpTransportHost
  /** No more comes from the client; what was written may still be on its way to it. */
  protected isClosing = false
  protected hasEnded = false
  /** While the connection is paused. */
  #resumption: PromiseWithResolvers<void> | undefined
  /** Settles when the POST that came last has had its turn. */
  #lastTurn: Promise<void> | undefined
  #posts = 0
  #body: RequestBody | undefined

  constructor(connectionId: string, listener: TransportListener, host: HttpTransportHost) {
    this.connectionId = connectionId
    this.listener = listener
    this.host = host
  }

  abstract write(messages: readonly EncodedMessage[]): boolean
  abstract look(tick: number): number

  pause(): void {
    this.#resumption ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumption?.resolve()
    this.#resumption = undefined
  }

  close(): void {
    this.isClosing = true
    this.#hearNoMore()
  }

  /**
   * Takes in what a POST brings, one after the other. Resolves when the client may send more; rejects with a `HubRefusal`
   * if nothing of it was taken.
   */
  async receive(request: IncomingMessage): Promise<void> {
    if (this.#posts >= this.host.postsAtOnce) throw new HubRefusal(429)
    this.#posts++
    const turn = Promise.withResolvers<void>()
    const before = this.#lastTurn
    this.#lastTurn = turn.promise
    try {
      await before
      await this.#resumption?.promise
      if (this.isClosing) throw unknownConnection()
      this.#body = new RequestBody(request, this.host.bodyLimits, this.host.wheel)
      const bytes = await this.#body.whole
      this.#body = undefined
      await this.#resumption?.promise
      if (this.isClosing) throw unknownConnection()
      this.listener.received(bytes)
      await this.#resumption?.promise
    } finally {
      this.#body = undefined
      this.#posts--
      if (this.#lastTurn === turn.promise) this.#lastTurn = undefined
      turn.resolve()
    }
  }

  /** The last that is heard of it. */
  protected end(ending: TransportEnding): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.isClosing = true
    this.#hearNoMore()
    this.host.wheel.cancel(this)
    this.host.closed(this)
    this.listener.closed(ending)
  }

  #hearNoMore(): void {
    this.resume()
    this.#body?.refuse(unknownConnection())
  }
}
