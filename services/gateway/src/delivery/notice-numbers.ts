/** How far a sender has been heard: it counts what it says to this gateway from 1. */
export class NoticeNumbers {
  #next = 1
  readonly #missing = new Set<number>()

  /** What was said under these numbers has not been heard. */
  get missing(): ReadonlySet<number> {
    return this.#missing
  }

  /** A notice of this number has come. Doubled and late ones do no harm. */
  hear(number: number): void {
    this.#expect(number)
    this.#missing.delete(number)
    this.#next = Math.max(this.#next, number + 1)
  }

  /** The sender says that this was its last number. */
  hearLast(number: number): void {
    this.#expect(number + 1)
    this.#next = Math.max(this.#next, number + 1)
  }

  /** What was in these is known by other means. */
  settle(numbers: Iterable<number>): void {
    for (const number of numbers) this.#missing.delete(number)
  }

  #expect(number: number): void {
    // So many are never asked for one by one: the highest of them stand for all.
    for (let missed = Math.max(this.#next, number - MAX_MISSING); missed < number; missed += 1)
      this.#missing.add(missed)
  }
}

/** More than this is not asked for by number. */
export const MAX_MISSING = 1_000
