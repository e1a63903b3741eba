export interface UploadOwner {
  /** An item was taken from a full upload, or nothing is kept of it any more. */
  uploadHasRoom(): void
}

/** A stream that the client sends, as its method reads it: once, from the first item on. */
export class Upload implements AsyncIterable<unknown> {
  readonly #owner: UploadOwner
  readonly #maxItems: number
  readonly #items: unknown[] = []
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

  add(item: unknown): void {
    if (this.#isDropped) return
    this.#items.push(item)
    this.#news?.resolve()
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
    this.#items.length = 0
    if (this.#ending === undefined) this.end(new Error('The method of the upload has ended.'))
    if (wasFull) this.#owner.uploadHasRoom()
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
    const item = this.#items.shift()
    if (wasFull) this.#owner.uploadHasRoom()
    return item
  }
}
