const FIRST_MS = 1_000
const MOST_MS = 30_000

/** How long to wait before the next attempt: at random within a bound that doubles with each, so that many do not come at once. */
export class Backoff {
  readonly #random: () => number
  #attempts = 0

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  nextMs(): number {
    const mostMs = Math.min(MOST_MS, FIRST_MS * 2 ** this.#attempts)
    this.#attempts = Math.min(this.#attempts + 1, 10)
    return this.#random() * mostMs
  }

  forget(): void {
    this.#attempts = 0
  }
}
