import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'

/** What was sent and not yet acknowledged. Its messages are numbered from 1, and never anew. */
export class SentMessages {
  #unacknowledged: EncodedMessage[] = []
  #firstId = 1
  #bytes = 0

  get unacknowledged(): readonly EncodedMessage[] {
    return this.#unacknowledged
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The number of the first that is not acknowledged, or else of the next to be sent. */
  get firstId(): number {
    return this.#firstId
  }

  add(message: EncodedMessage): void {
    this.#unacknowledged.push(message)
    this.#bytes += message.webSocketFrame.length
  }

  /** All up to this number have arrived. Throws `ProtocolError` for a number that was not given yet. */
  acknowledge(id: number): void {
    const count = id - this.#firstId + 1
    if (count > this.#unacknowledged.length) throw new ProtocolError('The client acknowledged what was not sent.')
    if (count <= 0) return
    for (const message of this.#unacknowledged.splice(0, count)) this.#bytes -= message.webSocketFrame.length
    this.#firstId += count
  }
}
