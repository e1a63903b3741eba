import type { OpenTransport, Transport, TransportEnding, TransportListener } from '../transport/transport.ts'

const nobody: TransportListener = { received() {}, drained() {}, closed() {} }

/** A transport that can be handed from one listener to another. */
export class HandedOver implements TransportListener {
  readonly transport: Transport
  #listener: TransportListener

  constructor(listener: TransportListener, openTransport: OpenTransport) {
    this.#listener = listener
    this.transport = openTransport(this)
  }

  handTo(listener: TransportListener): void {
    this.#listener = listener
  }

  /** Closes it, and nobody hears of it any more. */
  abandon(): void {
    this.#listener = nobody
    this.transport.close()
  }

  received(bytes: Buffer): void {
    this.#listener.received(bytes)
  }

  drained(): void {
    this.#listener.drained()
  }

  closed(ending: TransportEnding): void {
    this.#listener.closed(ending)
  }
}
