/** Lets in so many newcomers each second; those of one second may come all at once. */
export class Admission {
  readonly #perSecond: number
  #free: number
  #countedMs = performance.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#free = perSecond
  }

  /** False if this is no time for one more. */
  admits(): boolean {
    const nowMs = performance.now()
    const since = ((nowMs - this.#countedMs) / 1_000) * this.#perSecond
    this.#free = Math.min(this.#perSecond, this.#free + since)
    this.#countedMs = nowMs
    if (this.#free < 1) return false
    this.#free--
    return true
  }

  /** The last one did not get in: it takes nobody's place. */
  turnAway(): void {
    this.#free++
  }
}
