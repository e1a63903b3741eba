import type { Reattachment } from './reattachment.ts'

/** How many a server lets stand. Each is a socket on which nothing happens, but which may hold what came over it. */
const MAX_ABANDONED = 256
const LIFETIME_MS = 10 * 60_000

/**
 * Sockets whose client never said where it goes on, and whose connection has ended since. They are left to the client,
 * which may not notice their end without harm (see `Reattachment`), but neither in any number nor for ever.
 */
export class AbandonedReattachments implements Disposable {
  readonly #lifetimeTicks: number
  /** The oldest first: since when. */
  readonly #since = new Map<Reattachment, number>()

  constructor(wheel: { ticksOf(durationMs: number): number; everyTick(work: (tick: number) => void): void }) {
    this.#lifetimeTicks = wheel.ticksOf(LIFETIME_MS)
    wheel.everyTick((tick) => this.#closeOld(tick))
  }

  add(reattachment: Reattachment, tick: number): void {
    this.#since.set(reattachment, tick)
    if (this.#since.size <= MAX_ABANDONED) return
    const [oldest] = this.#since.keys()
    oldest!.socket.transport.close()
  }

  delete(reattachment: Reattachment): void {
    this.#since.delete(reattachment)
  }

  [Symbol.dispose](): void {
    for (const reattachment of this.#since.keys()) reattachment.socket.transport.close()
  }

  #closeOld(tick: number): void {
    for (const [reattachment, since] of this.#since) {
      if (tick - since < this.#lifetimeTicks) return
      reattachment.socket.transport.close()
    }
  }
}
