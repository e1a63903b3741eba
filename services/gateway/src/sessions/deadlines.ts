import type { Clock } from '@parley/runtime'

const SECOND_MS = 1_000

/**
 * What is due at a time of day, to the second and never too soon. Who asks knows the time of each item again: so an item that
 * waits takes one entry of a set, and nothing of its own.
 */
export class Deadlines<Item> implements Disposable {
  readonly #due: (item: Item) => void
  readonly #clock: Clock
  /** By the second in which they are due. */
  readonly #itemsAt = new Map<number, Set<Item>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: { clock: Clock; due: (item: Item) => void }) {
    this.#due = options.due
    this.#clock = options.clock
  }

  add(item: Item, atMs: number): void {
    const second = secondOf(atMs)
    const items = this.#itemsAt.get(second)
    if (items === undefined) this.#itemsAt.set(second, new Set([item]))
    else items.add(item)
    this.#timer ??= setInterval(() => this.#look(), SECOND_MS)
  }

  /** `atMs` is the time with which it was added. */
  remove(item: Item, atMs: number): void {
    const items = this.#itemsAt.get(secondOf(atMs))
    items?.delete(item)
    if (items?.size === 0) this.#itemsAt.delete(secondOf(atMs))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#itemsAt.clear()
  }

  /** Also seconds that were skipped, by a clock that was set or a process that stood still. */
  #look(): void {
    const now = this.#clock.now().getTime() / SECOND_MS
    for (const [second, items] of this.#itemsAt) {
      if (second > now) continue
      this.#itemsAt.delete(second)
      for (const item of items) this.#due(item)
    }
    if (this.#itemsAt.size === 0) this[Symbol.dispose]()
  }
}

const secondOf = (atMs: number): number => Math.ceil(atMs / SECOND_MS)
