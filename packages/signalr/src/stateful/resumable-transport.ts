import { setTimeout as delay } from 'node:timers/promises'
import type { AbandonedSockets } from '../abandoned-sockets.ts'
import type { Limits } from '../limits.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { isCounted, MessageType, type HubMessage } from '../protocol/hub-message.ts'
import type { HubProtocol, MessageReader } from '../protocol/hub-protocol.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { TimingWheel } from '../timing-wheel.ts'
import type { OpenTransport, Transport, TransportEnding, TransportListener } from '../transport/transport.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { HandedOver } from './handed-over.ts'
import { Reattachment, type ReattachmentOwner } from './reattachment.ts'
import { SentMessages } from './sent-messages.ts'

export interface ResumableListener extends TransportListener {
  readonly hasEnded: boolean
  /** The socket broke. The client may come back with another, and nothing is sent or heard until then. */
  detached(): void
  /** The client is back, and what it says is in this reader. */
  reattached(reader: MessageReader): void
}

/** What lets a client come back to its connection. */
export interface Resumable {
  /** Whether it may, now. */
  readonly mayReattach: boolean
  socketCloses(): Promise<void>
  /** Another socket of the client. */
  reattach(openTransport: OpenTransport): void
}

export interface ResumableOptions {
  readonly wheel: TimingWheel
  readonly limits: Limits
  readonly abandoned: AbandonedSockets
}

/** For so long a socket may take to close that its client has already given up. */
const CLOSING_MS = 300
const LOOK_MS = 25

/**
 * A transport that outlives its socket: stateful reconnect. What was sent is kept until the client acknowledges it, and
 * goes out again when the client comes back with another socket. Until `enable` it is no more than its socket.
 */
export class ResumableTransport implements Transport, TransportListener, Resumable, ReattachmentOwner {
  readonly name = 'WebSockets'
  readonly #listener: ResumableListener
  readonly #options: ResumableOptions
  readonly #sent = new SentMessages()
  /** Undefined while the client is away. */
  #socket: HandedOver | undefined
  #protocol: HubProtocol | undefined
  #acknowledgements: Acknowledgements | undefined
  #reattachment: Reattachment | undefined
  /** What waits for the first message of the client. */
  #heldBack: EncodedMessage[] | undefined
  #isPaused = false
  /** The listener was told to wait for `drained`. */
  #isAwaited = false
  #isSocketBusy = false
  /** When the client last came back. */
  attachedTick = 0

  constructor(listener: ResumableListener, openTransport: OpenTransport, options: ResumableOptions) {
    this.#listener = listener
    this.#options = options
    this.#socket = new HandedOver(this, openTransport)
  }

  /**
   * The client counts its messages, too. Nothing is sent from now on until it has said something: the JavaScript client
   * begins to count a moment after it has read the answer to its handshake, and does not count, or drops, what comes
   * right behind that answer.
   */
  enable(protocol: HubProtocol): void {
    this.#protocol = protocol
    this.#heldBack = []
    this.#acknowledgements = new Acknowledgements(this.#options.wheel, (latestId) => {
      this.#socket?.transport.write([protocol.encode({ type: MessageType.ack, sequenceId: latestId })])
    })
  }

  /** Whether the connection still has to see this message: it is not about the numbering, and was not seen before. */
  admits(message: HubMessage): boolean {
    if (this.#acknowledgements === undefined) return true
    if (this.#heldBack !== undefined) this.#releaseHeldBack()
    if (isCounted(message)) return this.#acknowledgements.take()
    if (message.type === MessageType.sequence) throw new ProtocolError('The client is where it was.')
    if (message.type === MessageType.ack) {
      this.#sent.acknowledge(message.sequenceId)
      this.#drainIfReady()
    }
    return true
  }

  get mayReattach(): boolean {
    return this.#protocol !== undefined && this.#reattachment === undefined && !this.#listener.hasEnded
  }

  /**
   * Gives a socket that still looks open a moment to close: the JavaScript client comes back even when it has closed it
   * in good order, and must not be let in then.
   */
  async socketCloses(): Promise<void> {
    for (let looks = CLOSING_MS / LOOK_MS; looks > 0 && this.mayReattach && !this.isDetached; looks--) {
      await delay(LOOK_MS)
    }
  }

  get isDetached(): boolean {
    return this.#socket === undefined
  }

  reattach(openTransport: OpenTransport): void {
    this.#reattachment = new Reattachment(this, this.#protocol!.createReader(this.#options.limits), openTransport)
  }

  // As a transport

  get bufferedBytes(): number {
    return this.#socket?.transport.bufferedBytes ?? 0
  }

  write(messages: readonly EncodedMessage[]): boolean {
    if (this.#protocol === undefined) return this.#socket!.transport.write(messages)
    if (this.#heldBack !== undefined) this.#heldBack.push(...messages)
    else this.#send(messages)
    this.#isAwaited = !this.#isReady
    return !this.#isAwaited
  }

  pause(): void {
    this.#isPaused = true
    this.#socket?.transport.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket?.transport.resume()
  }

  close(): void {
    this.#acknowledgements?.stop()
    if (this.#heldBack !== undefined) this.#releaseHeldBack()
    if (this.#reattachment !== undefined) this.#options.abandoned.add(this.#reattachment)
    if (this.#socket !== undefined) this.#socket.transport.close()
    else this.#listener.closed('lost')
  }

  // For the socket

  received(bytes: Buffer): void {
    this.#listener.received(bytes)
  }

  drained(): void {
    if (this.#protocol === undefined) return this.#listener.drained()
    this.#isSocketBusy = false
    this.#drainIfReady()
  }

  closed(ending: TransportEnding): void {
    if (this.#protocol === undefined || ending !== 'lost' || this.#listener.hasEnded) {
      return this.#listener.closed(ending)
    }
    this.#socket = undefined
    this.#isSocketBusy = false
    this.#listener.detached()
  }

  // For the reattachment

  reattached(socket: HandedOver, reader: MessageReader, sequenceId: number): void {
    if (this.#listener.hasEnded) return socket.transport.close()
    this.#acknowledgements!.rewind(sequenceId)
    this.#reattachment = undefined
    // A socket that still looked open: the client knows that it is not.
    this.#socket?.abandon()
    this.#socket = socket
    this.attachedTick = this.#options.wheel.tick
    socket.handTo(this)
    if (this.#isPaused) socket.transport.pause()
    const sequence = this.#protocol!.encode({ type: MessageType.sequence, sequenceId: this.#sent.firstId })
    this.#isSocketBusy = !socket.transport.write([sequence, ...this.#sent.unacknowledged])
    this.#listener.reattached(reader)
    this.#drainIfReady()
  }

  reattachmentLost(by: Reattachment): void {
    if (this.#reattachment === by) this.#reattachment = undefined
    this.#options.abandoned.delete(by)
  }

  get #isReady(): boolean {
    return (
      this.#socket !== undefined &&
      this.#heldBack === undefined &&
      !this.#isSocketBusy &&
      this.#sent.bytes <= this.#options.limits.unacknowledgedBytes
    )
  }

  #send(messages: readonly EncodedMessage[]): void {
    for (const message of messages) if (message.isCounted) this.#sent.add(message)
    if (this.#socket !== undefined && !this.#socket.transport.write(messages)) this.#isSocketBusy = true
  }

  #releaseHeldBack(): void {
    const messages = this.#heldBack!
    this.#heldBack = undefined
    if (messages.length > 0) this.#send(messages)
    this.#drainIfReady()
  }

  #drainIfReady(): void {
    if (!this.#isAwaited || !this.#isReady) return
    this.#isAwaited = false
    this.#listener.drained()
  }
}
