export interface UploadOwner {
  /** Items have been read, or dropped; the upload may have been full. */
  itemsTaken(weight: number, wasFull: boolean): void
}

interface Item {
  readonly value: unknown
  readonly weight: number
}

/** A stream that the client sends, as its method reads it: once, from the first item on. */
export class Upload implements AsyncIterable<unknown> {
  readonly #owner: UploadOwner
  readonly #maxItems: number
  readonly #items: Item[] = []
  #isStarted = false
  #isDropped = false
  #ending: { readonly error: Error | undefined } | undefined
  #news: PromiseWithResolvers<void> | undefined

  constructor(owner: UploadOwner, maxItems: number) {
    this.#owner = owner
    this.#maxItems = maxItems
  }

  get hasRoom(): boolean {
    return this.#isDropped || this.#items.length < this.#maxItems
  }

  /** False: nobody wants it any more. */
  add(value: unknown, weight: number): boolean {
    if (this.#isDropped) return false
    this.#items.push({ value, weight })
    this.#news?.resolve()
    return true
  }

  /** Nothing more comes. Reading ends, or throws the error, behind the items that are here. */
  end(error?: Error): void {
    this.#ending ??= { error }
    this.#news?.resolve()
  }

  /** Forgets the items that were not read, and those that are still to come. */
  drop(): void {
    if (this.#isDropped) return
    this.#isDropped = true
    const wasFull = this.#items.length >= this.#maxItems
    const weight = this.#items.reduce((sum, item) => sum + item.weight, 0)
    this.#items.length = 0
    if (this.#ending === undefined) this.end(new Error('The method of the upload has ended.'))
    this.#owner.itemsTaken(weight, wasFull)
  }

  [Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    if (this.#isStarted) throw new Error('A stream of the client can be read only once.')
    this.#isStarted = true
    return this.#read()
  }

  async *#read(): AsyncGenerator<unknown, void, undefined> {
    try {
      for (;;) {
        while (this.#items.length > 0) yield this.#take()
        if (this.#ending?.error !== undefined) throw this.#ending.error
        if (this.#ending !== undefined) return
        this.#news = Promise.withResolvers()
        await this.#news.promise
        this.#news = undefined
      }
    } finally {
      this.drop()
    }
  }

  #take(): unknown {
    const wasFull = !this.hasRoom
    const { value, weight } = this.#items.shift()!
    this.#owner.itemsTaken(weight, wasFull)
    return value
  }
}
