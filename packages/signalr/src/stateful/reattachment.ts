import type { AbandonedSocket } from '../abandoned-sockets.ts'
import { MessageType } from '../protocol/hub-message.ts'
import type { MessageReader } from '../protocol/hub-protocol.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { OpenTransport, TransportListener } from '../transport/transport.ts'
import { HandedOver } from './handed-over.ts'

export interface ReattachmentOwner {
  /** The client goes on with this socket, and sends again from this number on. What it says next is in the reader. */
  reattached(socket: HandedOver, reader: MessageReader, sequenceId: number): void
  /** The socket has closed before, or its client has broken the protocol. */
  reattachmentLost(by: Reattachment): void
}

/** A ping may come first; nothing else has a reason to. */
const MAX_MESSAGES_BEFORE = 16

/**
 * Another socket for a connection whose own may be lost. Until its client has said where it goes on, nothing is sent on
 * it, and it is not closed: the JavaScript client abandons such a socket half-way when it has given up the old one by
 * itself, and would take whatever happens on it for its new connection's.
 */
export class Reattachment implements TransportListener, AbandonedSocket {
  readonly socket: HandedOver
  readonly #owner: ReattachmentOwner
  readonly #reader: MessageReader
  #messagesBefore = 0
  /** The client has said something else than where it is. */
  #hasFailed = false

  constructor(owner: ReattachmentOwner, reader: MessageReader, openTransport: OpenTransport) {
    this.#owner = owner
    this.#reader = reader
    this.socket = new HandedOver(this, openTransport)
  }

  received(bytes: Buffer): void {
    if (this.#hasFailed) return
    this.#reader.push(bytes)
    try {
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
        if (message?.type === MessageType.sequence) {
          return this.#owner.reattached(this.socket, this.#reader, message.sequenceId)
        }
        if (++this.#messagesBefore > MAX_MESSAGES_BEFORE) throw new ProtocolError('Sequence was expected.')
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#hasFailed = true
      this.close()
      this.#owner.reattachmentLost(this)
    }
  }

  close(): void {
    this.socket.transport.close()
  }

  drained(): void {}

  closed(): void {
    this.#owner.reattachmentLost(this)
  }
}
