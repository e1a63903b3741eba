/**
 * The negotiations whose client has not connected yet. Each is forgotten when its time is over, and used once at most.
 */
export class Negotiations {
  readonly #lifetimeTicks: number
  readonly #maxPending: number
  /** By public id, oldest first: when it was made. */
  readonly #pending = new Map<string, number>()

  constructor(options: { lifetimeTicks: number; maxPending: number }) {
    this.#lifetimeTicks = options.lifetimeTicks
    this.#maxPending = options.maxPending
  }

  get isFull(): boolean {
    return this.#pending.size >= this.#maxPending
  }

  add(connectionId: string, tick: number): void {
    this.#pending.set(connectionId, tick)
  }

  has(connectionId: string): boolean {
    return this.#pending.has(connectionId)
  }

  /** Whether it was there; it is not afterwards. */
  take(connectionId: string): boolean {
    return this.#pending.delete(connectionId)
  }

  expire(tick: number): void {
    for (const [connectionId, madeTick] of this.#pending) {
      if (tick - madeTick < this.#lifetimeTicks) return
      this.#pending.delete(connectionId)
    }
  }
}
