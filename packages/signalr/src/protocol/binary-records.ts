import { MessageTooLargeError, ProtocolError } from './protocol-error.ts'
import { Records } from './records.ts'

const MAX_PREFIX_BYTES = 5
const MAX_LENGTH = 0x7fff_ffff
const EMPTY = Buffer.alloc(0)

/** Records behind their length, which is written in groups of seven bits, the lowest first. */
export class BinaryRecords extends Records {
  /** As far as it has come. */
  #length = 0
  #prefixBytes = 0
  #isPrefixWhole = false

  next(): Buffer | undefined {
    if (!this.#isPrefixWhole) this.#readPrefix()
    if (!this.#isPrefixWhole) return undefined
    const record = this.#length === 0 ? EMPTY : this.#take(this.#length)
    if (record === undefined) return undefined
    this.#length = 0
    this.#prefixBytes = 0
    this.#isPrefixWhole = false
    return record
  }

  #readPrefix(): void {
    for (let chunk = this.chunk; chunk !== undefined; chunk = this.chunk) {
      const byte = chunk[this.offset]!
      this.skipTo(this.offset + 1)
      this.#length += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes++)
      if (this.#length + this.#prefixBytes > this.maxBytes) throw new MessageTooLargeError(this.maxBytes)
      this.#isPrefixWhole = byte < 0x80
      if (this.#isPrefixWhole && this.#length <= MAX_LENGTH) return
      if (this.#prefixBytes === MAX_PREFIX_BYTES) throw new ProtocolError('The length of the message cannot be read.')
    }
  }

  #take(count: number): Buffer | undefined {
    for (let chunk = this.chunk; chunk !== undefined; chunk = this.chunk) {
      const start = this.offset
      const stop = Math.min(chunk.length, start + count - this.partLength)
      this.skipTo(stop)
      if (stop - start === count) return chunk.subarray(start, stop)
      this.gather(chunk.subarray(start, stop))
      if (this.partLength === count) return this.takePart()
    }
    return undefined
  }
}

/** Bytes of the prefix that says how long a record is. */
export function prefixLengthOf(length: number): number {
  let bytes = 1
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes++
  return bytes
}

/** Answers where the record begins. */
export function writePrefix(target: Buffer, offset: number, length: number): number {
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) target[offset++] = (rest & 0x7f) | 0x80
  target[offset++] = rest
  return offset
}
