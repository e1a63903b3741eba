/** Something that is open to a client, which has gone on without it. */
export interface AbandonedSocket {
  /** Lets whatever lies in between see that it is in use. The client does not hear of it. */
  keepAlive?(): void
  close(): void
}

export interface AbandonedSocketLimits {
  readonly most: number
  readonly lifetimeTicks: number
  readonly keepAliveTicks: number
}

/**
 * What clients hold open although their connection has ended, or will never begin. The JavaScript client abandons sockets
 * half-way (see `Reattachment` and `ServerSentEventsTransport`), and takes whatever happens on one for its next
 * connection's, its end above all. So they are left to it in silence, but neither in any number nor for ever.
 */
export class AbandonedSockets implements Disposable {
  readonly #wheel: { readonly tick: number }
  readonly #limits: AbandonedSocketLimits
  /** The oldest first: since when. */
  readonly #since = new Map<AbandonedSocket, number>()

  constructor(
    wheel: { readonly tick: number; everyTick(work: (tick: number) => void): void },
    limits: AbandonedSocketLimits,
  ) {
    this.#wheel = wheel
    this.#limits = limits
    wheel.everyTick((tick) => this.#look(tick))
  }

  /** Beyond the limit the oldest is closed. */
  add(socket: AbandonedSocket): void {
    this.#since.set(socket, this.#wheel.tick)
    if (this.#since.size <= this.#limits.most) return
    const [oldest] = this.#since.keys()
    this.#close(oldest!)
  }

  /** It has closed, or its client has come back to it. */
  delete(socket: AbandonedSocket): void {
    this.#since.delete(socket)
  }

  [Symbol.dispose](): void {
    for (const socket of this.#since.keys()) this.#close(socket)
  }

  #look(tick: number): void {
    const { lifetimeTicks, keepAliveTicks } = this.#limits
    for (const [socket, since] of this.#since) {
      if (tick - since >= lifetimeTicks) this.#close(socket)
      else if ((tick - since) % keepAliveTicks === 0) socket.keepAlive?.()
    }
  }

  #close(socket: AbandonedSocket): void {
    this.#since.delete(socket)
    socket.close()
  }
}
