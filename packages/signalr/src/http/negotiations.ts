/**
 * The negotiations whose client has not connected yet. Each is forgotten when its time is over, and used once at most.
 */
export class Negotiations {
  readonly #lifetimeTicks: number
  readonly #maxPending: number
  /** By public id, oldest first. */
  readonly #pending = new Map<string, { readonly madeTick: number; readonly isStateful: boolean }>()

  constructor(options: { lifetimeTicks: number; maxPending: number }) {
    this.#lifetimeTicks = options.lifetimeTicks
    this.#maxPending = options.maxPending
  }

  get isFull(): boolean {
    return this.#pending.size >= this.#maxPending
  }

  add(connectionId: string, isStateful: boolean, tick: number): void {
    this.#pending.set(connectionId, { madeTick: tick, isStateful })
  }

  has(connectionId: string): boolean {
    return this.#pending.has(connectionId)
  }

  /** What was agreed on, if it was there; it is not afterwards. */
  take(connectionId: string): { readonly isStateful: boolean } | undefined {
    const negotiated = this.#pending.get(connectionId)
    this.#pending.delete(connectionId)
    return negotiated
  }

  expire(tick: number): void {
    for (const [connectionId, { madeTick }] of this.#pending) {
      if (tick - madeTick < this.#lifetimeTicks) return
      this.#pending.delete(connectionId)
    }
  }
}
