import { limits } from '@parley/protocol'

/** Who types in one conversation. Times are of the clock that the caller goes by. */
export class TypingRoom {
  /** By user, until when. */
  readonly #untilOf = new Map<string, number>()
  /** What was last told while nobody is named. */
  #told: { readonly count: number; readonly until: number } | undefined

  get count(): number {
    return this.#untilOf.size
  }

  /** Whether it has been told that they are too many to be named, and not yet that they are few again. */
  get isCrowd(): boolean {
    return this.#told !== undefined
  }

  has(userId: string): boolean {
    return this.#untilOf.has(userId)
  }

  typists(): IteratorObject<readonly [userId: string, until: number]> {
    return this.#untilOf.entries()
  }

  /** False when they are more than can be. */
  start(userId: string, until: number): boolean {
    if (this.#untilOf.size >= limits.typingMembers && !this.#untilOf.has(userId)) return false
    this.#untilOf.set(userId, until)
    return true
  }

  /** Whether this user was typing. */
  stop(userId: string): boolean {
    return this.#untilOf.delete(userId)
  }

  forgetExpired(now: number): void {
    for (const [userId, until] of this.#untilOf) if (until <= now) this.#untilOf.delete(userId)
  }

  isTooManyToName(): boolean {
    return this.#untilOf.size > limits.namedTypists
  }

  /** The first and the last moment at which somebody ceases to type who does not say it again. */
  get firstUntil(): number {
    return Math.min(...this.#untilOf.values())
  }

  get lastUntil(): number {
    return Math.max(...this.#untilOf.values())
  }

  /** Whether the number is to be told: it is another, or what was told runs out. */
  isCountNews(renewedMs: number): boolean {
    if (this.#told === undefined || this.#told.count !== this.count) return true
    return this.lastUntil - this.#told.until >= renewedMs
  }

  countTold(): void {
    this.#told = { count: this.count, until: this.lastUntil }
  }

  namesTold(): void {
    this.#told = undefined
  }
}
