import { ProtocolError } from '../protocol/protocol-error.ts'

/** The count of what a client has sent, by which messages that it sends again are known. */
export class ReceivedMessages {
  #nextId = 1
  #latestId = 0

  /** The number of the last message that was taken; 0 for none. */
  get latestId(): number {
    return this.#latestId
  }

  /** Counts a message. False: it was taken before. */
  take(): boolean {
    const id = this.#nextId++
    if (id <= this.#latestId) return false
    this.#latestId = id
    return true
  }

  /** The next message has this number: the client sends again what it does not know to have arrived. */
  rewind(nextId: number): void {
    if (nextId < 1 || nextId > this.#latestId + 1) {
      throw new ProtocolError("Sequence ID greater than amount of messages we've received.")
    }
    this.#nextId = nextId
  }
}
