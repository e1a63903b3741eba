const NOTHING = Buffer.alloc(0)

/**
 * Cuts a stream of bytes into records. A record that lies within one chunk is not copied; one that is spread over many
 * is gathered in a buffer that doubles, so that single bytes cost no more than their number, and a length that is only
 * promised costs nothing. Between records it holds nothing.
 */
export abstract class Records {
  /** Of one record, framing included. */
  protected readonly maxBytes: number
  /** Looked at up to `#offset` in the one at `#index`; those before it are empty. */
  #chunks: Buffer[] | undefined
  #index = 0
  #offset = 0
  /** The beginning of a record whose end has not come: the first `#partLength` bytes. */
  #part = NOTHING
  #partLength = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    if (this.#chunks === undefined) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
  }

  /** The next record without its framing, valid until the next call; undefined until more is pushed. */
  abstract next(): Buffer | undefined

  /** What was pushed and not yet read, for whoever reads on. */
  takeRest(): Buffer[] {
    const rest = this.#chunks?.slice(this.#index) ?? []
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(this.#offset)
    this.#chunks = undefined
    this.#index = 0
    this.#offset = 0
    return rest
  }

  /** The chunk that is read now. */
  protected get chunk(): Buffer | undefined {
    return this.#chunks?.[this.#index]
  }

  /** Where in the chunk. */
  protected get offset(): number {
    return this.#offset
  }

  protected get partLength(): number {
    return this.#partLength
  }

  protected skipTo(offset: number): void {
    this.#offset = offset
    const chunks = this.#chunks!
    if (offset < chunks[this.#index]!.length) return
    this.#offset = 0
    // Not shifted: that takes time in proportion to a long list.
    chunks[this.#index++] = NOTHING
    if (this.#index < chunks.length) return
    this.#chunks = undefined
    this.#index = 0
  }

  protected gather(bytes: Buffer): void {
    const length = this.#partLength + bytes.length
    if (length > this.#part.length) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(length, 2 * this.#part.length), this.maxBytes))
      this.#part.copy(grown, 0, 0, this.#partLength)
      this.#part = grown
    }
    bytes.copy(this.#part, this.#partLength)
    this.#partLength = length
  }

  protected takePart(): Buffer {
    const record = this.#part.subarray(0, this.#partLength)
    this.#part = NOTHING
    this.#partLength = 0
    return record
  }
}
