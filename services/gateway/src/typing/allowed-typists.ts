const REMEMBERED_MS = 60_000
const MOST = 50_000

/** Which users `messaging` has lately allowed to be seen typing where: those of the last minute, and not without bound. */
export class AllowedTypists {
  readonly #now: () => number
  readonly #most: number
  /** Until when, by user and conversation. All hold for the same time, so the oldest end first. */
  readonly #until = new Map<string, number>()

  constructor({ now = () => performance.now(), most = MOST }: { now?: () => number; most?: number } = {}) {
    this.#now = now
    this.#most = most
  }

  has(userId: string, conversationId: string): boolean {
    return (this.#until.get(`${userId} ${conversationId}`) ?? 0) > this.#now()
  }

  add(userId: string, conversationId: string): void {
    const key = `${userId} ${conversationId}`
    this.#until.delete(key)
    this.#until.set(key, this.#now() + REMEMBERED_MS)
    this.#forgetOldest()
  }

  get size(): number {
    return this.#until.size
  }

  #forgetOldest(): void {
    for (const [key, until] of this.#until) {
      if (until > this.#now() && this.#until.size <= this.#most) return
      this.#until.delete(key)
    }
  }
}
