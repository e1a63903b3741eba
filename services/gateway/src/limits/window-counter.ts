import { refuse } from '@parley/contracts'
import type { RedisCounts } from './redis-counts.ts'
import type { Limit } from './limit-table.ts'

/** What was counted of somebody in a window. */
interface Count {
  /** Here. */
  taken: number
  /** Of these, what Redis does not know. */
  untold: number
  /** The limit is reached: nothing more to ask until the window ends. */
  exhausted: boolean
}

export type Keeping = 'shared' | 'exact' | 'closed'

/** Of a limit, what each gateway gives without asking Redis, unless it is kept exactly. */
const SHARE = 1 / 4
/** Those who are refused together do not come back together: they wait up to this part of a window longer, a second at most. */
const SPREAD = 1 / 10
const MAX_SPREAD_MS = 1_000

/**
 * Keeps one limit, for any number of users (or addresses, or connections), in two levels. Each gateway counts by itself, and asks
 * Redis, which counts for all of them, only from a quarter of the limit on: most never come that far, and cost no round trip.
 *
 * - Nobody is refused who has asked for no more than the limit in a window, on all gateways together.
 * - In a window nobody is given more than `(1 + gateways / 4)` times the limit; exactly the limit where it is kept exactly; and,
 *   as with any fixed windows, twice that around the moment at which one ends and the next begins. Gateways whose clocks differ
 *   go by different windows for as long as they differ.
 * - While Redis cannot be asked, each gateway gives the whole limit by itself; of one that is kept closed, nothing.
 *
 * Who asks for nothing in a window holds no memory after it.
 */
export class WindowCounter {
  readonly #name: string
  readonly #limit: Limit
  readonly #keeping: Keeping
  /** Undefined: nothing to share with other gateways. */
  readonly #redis: RedisCounts | undefined
  readonly #now: () => number
  readonly #windowMs: number
  #window = 0
  #counts = new Map<string, Count>()

  constructor(
    name: string,
    limit: Limit,
    options: { keeping?: Keeping; redis: RedisCounts | undefined; now: () => number },
  ) {
    this.#name = name
    this.#limit = limit
    this.#keeping = options.keeping ?? 'shared'
    this.#redis = options.redis
    this.#now = options.now
    this.#windowMs = limit.seconds * 1_000
  }

  /** How many are remembered. */
  get size(): number {
    return this.#counts.size
  }

  /**
   * Takes one. Answers 0, or after how many ms it is worth asking again; at once when Redis need not be asked. Throws
   * `unavailable` where the limit is kept closed and Redis cannot be asked.
   */
  take(key: string, factor = 1): number | Promise<number> {
    this.forgetEnded()
    const points = this.#limit.points * factor
    let count = this.#counts.get(key)
    if (count === undefined) {
      count = { taken: 0, untold: 0, exhausted: false }
      this.#counts.set(key, count)
    }
    if (count.exhausted) return this.#retryAfterMs()
    if (count.taken >= points) {
      count.exhausted = true
      return this.#retryAfterMs()
    }
    count.taken += 1
    count.untold += 1
    if (this.#redis === undefined) return 0
    const given = this.#keeping === 'shared' ? Math.floor(points * SHARE) : 0
    if (count.taken <= given) return 0
    if (!this.#redis.isWorthAsking) return this.#decideAlone()
    return this.#ask(this.#redis, key, count, points)
  }

  /** Forgets the windows that have ended. */
  forgetEnded(): void {
    const window = Math.floor(this.#now() / this.#windowMs)
    if (window === this.#window) return
    this.#window = window
    if (this.#counts.size > 0) this.#counts = new Map()
  }

  async #ask(redis: RedisCounts, key: string, count: Count, points: number): Promise<number> {
    const { untold } = count
    // Told once, whatever comes of it: what is told twice would refuse somebody too early.
    count.untold = 0
    const counts = this.#counts
    const total = await redis.add(`${this.#name}:${this.#window}:${key}`, untold, this.#limit.seconds)
    if (total === undefined) return this.#decideAlone()
    if (total > points) {
      count.exhausted = true
      return this.#retryAfterMs()
    }
    // Redis has counted it all, and is asked first the next time.
    if (this.#keeping !== 'shared') counts.delete(key)
    return 0
  }

  #decideAlone(): number {
    if (this.#keeping === 'closed') throw refuse.unavailable()
    return 0
  }

  #retryAfterMs(): number {
    const leftMs = this.#windowMs - (this.#now() % this.#windowMs)
    return Math.ceil(leftMs + Math.random() * Math.min(this.#windowMs * SPREAD, MAX_SPREAD_MS))
  }
}
