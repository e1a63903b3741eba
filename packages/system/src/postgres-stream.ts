/** A message of the Postgres protocol. */
export interface PostgresMessage {
  /** A letter; empty for what a client begins with. */
  readonly type: string
  readonly body: Buffer
}

const LENGTH_BYTES = 4

/** Cuts one direction of a Postgres connection, without TLS, into its messages, however they come. */
export class PostgresStream {
  #waiting: Buffer = Buffer.alloc(0)
  /** Only the first message of a client has no type. */
  #hasType: boolean

  constructor(options: { startsWithType: boolean }) {
    this.#hasType = options.startsWithType
  }

  push(chunk: Buffer): PostgresMessage[] {
    this.#waiting = Buffer.concat([this.#waiting, chunk])
    const messages: PostgresMessage[] = []
    for (;;) {
      const typeBytes = this.#hasType ? 1 : 0
      const head = typeBytes + LENGTH_BYTES
      if (this.#waiting.length < head) return messages
      const end = typeBytes + this.#waiting.readInt32BE(typeBytes)
      if (this.#waiting.length < end) return messages
      const type = this.#waiting.toString('latin1', 0, typeBytes)
      messages.push({ type, body: this.#waiting.subarray(head, end) })
      this.#waiting = this.#waiting.subarray(end)
      this.#hasType = true
    }
  }
}
