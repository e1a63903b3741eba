import type { Reattachment } from './reattachment.ts'

/** How many a server lets stand. Each is a socket on which nothing happens. */
const MAX_ABANDONED = 1_000

/**
 * Sockets whose client never said where it goes on, and whose connection has ended since. They are left to the client,
 * which may not notice their end without harm: see `Reattachment`.
 */
export class AbandonedReattachments implements Disposable {
  readonly #oldestFirst = new Set<Reattachment>()

  add(reattachment: Reattachment): void {
    this.#oldestFirst.add(reattachment)
    if (this.#oldestFirst.size <= MAX_ABANDONED) return
    const [oldest] = this.#oldestFirst
    oldest!.socket.transport.close()
  }

  delete(reattachment: Reattachment): void {
    this.#oldestFirst.delete(reattachment)
  }

  [Symbol.dispose](): void {
    for (const reattachment of this.#oldestFirst) reattachment.socket.transport.close()
  }
}
