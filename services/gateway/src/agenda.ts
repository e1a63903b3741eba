/** How late what is due may be: what falls due in the same moment is dealt with together. */
const TICK_MS = 50

/** What is due when, with one timer for all of it, and none while there is nothing. Nothing is ever due too soon. */
export class Agenda<Item> implements Disposable {
  readonly #due: (item: Item) => void
  readonly #tickOf = new Map<Item, number>()
  readonly #itemsAt = new Map<number, Set<Item>>()
  #lookedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(due: (item: Item) => void) {
    this.#due = due
  }

  get size(): number {
    return this.#tickOf.size
  }

  /** The item is due so long from now, whatever was said of it before. */
  schedule(item: Item, afterMs: number): void {
    this.cancel(item)
    if (this.#timer === undefined) this.#start()
    const tick = Math.max(this.#lookedAt + 1, Math.ceil((performance.now() + afterMs) / TICK_MS))
    const items = this.#itemsAt.get(tick)
    if (items === undefined) this.#itemsAt.set(tick, new Set([item]))
    else items.add(item)
    this.#tickOf.set(item, tick)
  }

  cancel(item: Item): void {
    const tick = this.#tickOf.get(item)
    if (tick === undefined) return
    this.#tickOf.delete(item)
    const items = this.#itemsAt.get(tick)
    items?.delete(item)
    if (items?.size === 0) this.#itemsAt.delete(tick)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#tickOf.clear()
    this.#itemsAt.clear()
  }

  #start(): void {
    this.#lookedAt = currentTick()
    this.#timer = setInterval(() => this.#look(), TICK_MS)
  }

  #look(): void {
    const reached = currentTick()
    while (this.#lookedAt < reached) {
      this.#lookedAt += 1
      for (const item of this.#itemsAt.get(this.#lookedAt) ?? []) {
        this.cancel(item)
        this.#due(item)
      }
    }
    if (this.#tickOf.size === 0) this[Symbol.dispose]()
  }
}

const currentTick = (): number => Math.floor(performance.now() / TICK_MS)
