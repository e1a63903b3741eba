import { RECORD_SEPARATOR } from './encoded-message.ts'
import { MessageTooLargeError } from './protocol-error.ts'
import { Records } from './records.ts'

/** Records that end with a separator. */
export class TextRecords extends Records {
  next(): Buffer | undefined {
    for (let chunk = this.chunk; chunk !== undefined; chunk = this.chunk) {
      const start = this.offset
      const end = chunk.indexOf(RECORD_SEPARATOR, start)
      const stop = end < 0 ? chunk.length : end
      if (this.partLength + (stop - start) + 1 > this.maxBytes) throw new MessageTooLargeError(this.maxBytes)
      this.skipTo(stop + 1)
      if (end >= 0 && this.partLength === 0) return chunk.subarray(start, end)
      this.gather(chunk.subarray(start, stop))
      if (end >= 0) return this.takePart()
    }
    return undefined
  }
}
