import { RECORD_SEPARATOR } from './encoded-message.ts'
import { MessageTooLargeError } from './protocol-error.ts'

const NOTHING = Buffer.alloc(0)

/**
 * Cuts a stream of bytes at its record separators. A record that lies within one chunk is not copied; one that is
 * spread over many is gathered in a buffer that doubles, so that single bytes cost no more than their number. Between
 * records it holds nothing.
 */
export class TextRecords {
  readonly #maxBytes: number
  /** Not looked at yet; the first of them from `#offset` on. */
  #chunks: Buffer[] | undefined
  #offset = 0
  /** The beginning of a record whose end has not come: the first `#partLength` bytes. */
  #part = NOTHING
  #partLength = 0

  /** A record may have `maxBytes`, its separator included. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    if (this.#chunks === undefined) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
  }

  /** The next record without its separator, valid until the next call; undefined until more is pushed. */
  next(): Buffer | undefined {
    for (let chunk = this.#chunks?.[0]; chunk !== undefined; chunk = this.#chunks?.[0]) {
      const start = this.#offset
      const end = chunk.indexOf(RECORD_SEPARATOR, start)
      const stop = end < 0 ? chunk.length : end
      if (this.#partLength + (stop - start) + 1 > this.#maxBytes) {
        throw new MessageTooLargeError(this.#maxBytes)
      }
      this.#advance(stop + 1, chunk.length)
      if (end >= 0 && this.#partLength === 0) return chunk.subarray(start, end)
      this.#gather(chunk.subarray(start, stop))
      if (end >= 0) return this.#takePart()
    }
    return undefined
  }

  /** What was pushed and not yet read, for whoever reads on. */
  takeRest(): Buffer[] {
    const rest = this.#chunks?.map((chunk, index) => (index === 0 ? chunk.subarray(this.#offset) : chunk)) ?? []
    this.#chunks = undefined
    this.#offset = 0
    return rest
  }

  #advance(to: number, chunkLength: number): void {
    this.#offset = to
    if (to < chunkLength) return
    this.#offset = 0
    if (this.#chunks!.length === 1) this.#chunks = undefined
    else this.#chunks!.shift()
  }

  #gather(bytes: Buffer): void {
    const length = this.#partLength + bytes.length
    if (length > this.#part.length) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(length, 2 * this.#part.length), this.#maxBytes))
      this.#part.copy(grown, 0, 0, this.#partLength)
      this.#part = grown
    }
    bytes.copy(this.#part, this.#partLength)
    this.#partLength = length
  }

  #takePart(): Buffer {
    const record = this.#part.subarray(0, this.#partLength)
    this.#part = NOTHING
    this.#partLength = 0
    return record
  }
}
