/** So long after its last use a ticket is forgotten: clients poll at least every 100 seconds, or ping. */
const IDLE_MS = 5 * 60_000
const REMEMBERED = 100_000

/** The tickets that were used on this gateway, and for which connection. */
export class UsedTickets {
  /** By ticket id, the longest unused first. */
  readonly #uses = new Map<string, { readonly connectionId: string; readonly usedMs: number }>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** The connection of a ticket that is used now; undefined if it is not remembered. */
  use(ticketId: string): string | undefined {
    const connectionId = this.#uses.get(ticketId)?.connectionId
    if (connectionId !== undefined) this.remember(ticketId, connectionId)
    return connectionId
  }

  remember(ticketId: string, connectionId: string): void {
    this.#uses.delete(ticketId)
    this.#uses.set(ticketId, { connectionId, usedMs: this.#nowMs() })
    for (const [oldest, { usedMs }] of this.#uses) {
      if (this.#uses.size <= REMEMBERED && this.#nowMs() - usedMs < IDLE_MS) return
      this.#uses.delete(oldest)
    }
  }
}
