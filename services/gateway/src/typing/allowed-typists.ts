const REMEMBERED_MS = 60_000
const MOST = 50_000

/** What `messaging` has lately said of which users may be seen typing where: in the last minute, and not without bound. */
export class AllowedTypists {
  readonly #now: () => number
  readonly #most: number
  /** Until when, and whether others are told, by user and conversation. All hold for the same time, so the oldest end first. */
  readonly #allowed = new Map<string, { readonly until: number; readonly isTold: boolean }>()
  #forgottenCount = 0

  constructor({ now = () => performance.now(), most = MOST }: { now?: () => number; most?: number } = {}) {
    this.#now = now
    this.#most = most
  }

  /** Whether others are told; undefined when it is not known. */
  find(userId: string, conversationId: string): boolean | undefined {
    const found = this.#allowed.get(`${userId} ${conversationId}`)
    return found !== undefined && found.until > this.#now() ? found.isTold : undefined
  }

  add(userId: string, conversationId: string, isTold: boolean): void {
    const key = `${userId} ${conversationId}`
    this.#allowed.delete(key)
    this.#allowed.set(key, { until: this.#now() + REMEMBERED_MS, isTold })
    this.#forgetOldest()
  }

  /** It may be otherwise now. */
  forget(userId: string, conversationId: string): void {
    this.#forgottenCount += 1
    this.#allowed.delete(`${userId} ${conversationId}`)
  }

  /** How often something was to be forgotten: what was asked before may be old. */
  get forgotten(): number {
    return this.#forgottenCount
  }

  get size(): number {
    return this.#allowed.size
  }

  #forgetOldest(): void {
    for (const [key, { until }] of this.#allowed) {
      if (until > this.#now() && this.#allowed.size <= this.#most) return
      this.#allowed.delete(key)
    }
  }
}
