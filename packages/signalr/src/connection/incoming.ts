import { checkCarrier, HandshakeError, shakeHands, type Agreement } from '../protocol/handshake.ts'
import type { HubMessage } from '../protocol/hub-message.ts'
import type { HubProtocol, MessageReader, ReaderLimits } from '../protocol/hub-protocol.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { TextRecords } from '../protocol/text-records.ts'
import type { Transport } from '../transport/transport.ts'

export interface IncomingOwner {
  readonly hasEnded: boolean
  /** Whether the message is new; it is not if the client has sent it again without need. Throws `ProtocolError`. */
  admits(message: HubMessage): boolean
  handshaken(agreement: Agreement): void
  misunderstood(error: ProtocolError | HandshakeError): void
}

/** Where the messages go. */
export interface MessageSink {
  /** False: there is no room for the message. `readAgain` is called when there may be. */
  takes(message: HubMessage): boolean
  /** Something is waited for that may be behind messages for which there is no room. */
  readonly readsAhead: boolean
  /** Whether the message may be taken out of its order. */
  isUrgent(message: HubMessage): boolean
  /** The weight is what it takes in memory, in bytes, roughly. */
  handle(message: HubMessage, weight: number): void
}

export interface IncomingLimits extends ReaderLimits {
  /** How much is kept behind a message for which there is no room, in memory and roughly. */
  readonly readAheadBytes: number
}

interface Held {
  readonly message: HubMessage
  readonly weight: number
}

/** What is taken of one client before others get their turn: a crafted frame holds many thousands of messages. */
const MESSAGES_PER_TURN = 256
/** In memory, roughly. */
const BYTES_PER_TURN = 256 * 1024

/**
 * What one client sends: first its handshake, then messages of the protocol it asked for. While there is no room for the
 * next one, the transport is paused and the client has to wait; unless something urgent may be behind it, which is
 * looked for so far.
 */
export class Incoming {
  readonly #owner: IncomingOwner
  readonly #sink: MessageSink
  readonly #transport: Transport
  readonly #protocols: readonly HubProtocol[]
  readonly #limits: IncomingLimits
  #handshake: TextRecords | undefined
  #reader: MessageReader | undefined
  /** Messages for which there was no room yet, the oldest first; those before `#oldestHeld` have been taken. */
  #held: Held[] | undefined
  #oldestHeld = 0
  #heldBytes = 0
  #isPaused = false
  #isReading = false
  /** Since the client last had nothing more to say. */
  #takenInTurn = 0
  #bytesInTurn = 0
  #awaitsTurn = false

  constructor(
    owner: IncomingOwner,
    sink: MessageSink,
    transport: Transport,
    options: { readonly protocols: readonly HubProtocol[]; readonly limits: IncomingLimits },
  ) {
    this.#owner = owner
    this.#sink = sink
    this.#transport = transport
    this.#protocols = options.protocols
    this.#limits = options.limits
    this.#handshake = new TextRecords(options.limits.messageBytes)
  }

  get isHandshaking(): boolean {
    return this.#handshake !== undefined
  }

  /** There was no room for what the client sent, or others have their turn. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  receive(bytes: Buffer): void {
    ;(this.#handshake ?? this.#reader)?.push(bytes)
    if (!this.#isPaused) this.#read()
  }

  /** There may be room again. */
  readAgain(): void {
    if ((this.#isPaused || this.#held !== undefined) && !this.#awaitsTurn) this.#read()
  }

  /** The client goes on over another socket. What came over the old one and was not even read comes again. */
  readFrom(reader: MessageReader): void {
    this.#reader = reader
    if (!this.#isPaused) this.#read()
  }

  /** Nothing of what is still here is wanted. */
  end(): void {
    this.#reader = undefined
    this.#held = undefined
  }

  #pause(): void {
    if (!this.#isPaused) this.#transport.pause()
    this.#isPaused = true
  }

  #read(): void {
    // Taking a message may make room: the loop that has taken it finds that out by itself.
    if (this.#isReading) return
    this.#isReading = true
    try {
      if (this.#handshake !== undefined) this.#shakeHands(this.#handshake)
      while (this.#reader !== undefined && !this.#owner.hasEnded) {
        if (this.#takenInTurn >= MESSAGES_PER_TURN || this.#bytesInTurn >= BYTES_PER_TURN) return this.#awaitTurn()
        this.#takenInTurn++
        if (this.#takeHeld()) continue
        if (this.#held !== undefined && !this.#readsAhead) return this.#pause()
        const message = this.#reader.next()
        if (message === undefined) return this.#resume()
        this.#bytesInTurn += this.#reader.weight
        if (message === null) continue
        if (this.#owner.admits(message)) this.#take(message, this.#reader.weight)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof HandshakeError)) throw error
      this.#owner.misunderstood(error)
    } finally {
      this.#isReading = false
    }
  }

  #takeHeld(): boolean {
    const oldest = this.#held?.[this.#oldestHeld]
    if (oldest === undefined || !this.#sink.takes(oldest.message)) return false
    this.#heldBytes -= oldest.weight
    // Not shifted: that takes time in proportion to a long list.
    if (++this.#oldestHeld === this.#held!.length) {
      this.#held = undefined
      this.#oldestHeld = 0
    }
    this.#sink.handle(oldest.message, oldest.weight)
    return true
  }

  get #readsAhead(): boolean {
    return this.#sink.readsAhead && this.#heldBytes < this.#limits.readAheadBytes
  }

  #take(message: HubMessage, weight: number): void {
    if (this.#held === undefined ? this.#sink.takes(message) : this.#sink.isUrgent(message)) {
      this.#sink.handle(message, weight)
    } else {
      ;(this.#held ??= []).push({ message, weight })
      this.#heldBytes += weight
    }
  }

  #awaitTurn(): void {
    this.#pause()
    this.#awaitsTurn = true
    setImmediate(() => {
      this.#takenInTurn = 0
      this.#bytesInTurn = 0
      this.#awaitsTurn = false
      this.#read()
    })
  }

  #resume(): void {
    this.#takenInTurn = 0
    this.#bytesInTurn = 0
    if (this.#isPaused) this.#transport.resume()
    this.#isPaused = false
  }

  #shakeHands(records: TextRecords): void {
    const agreement = shakeHands(records, this.#protocols)
    if (agreement === undefined) return
    checkCarrier(agreement.protocol, this.#transport.name)
    this.#handshake = undefined
    this.#reader = agreement.protocol.createReader(this.#limits)
    for (const bytes of records.takeRest()) this.#reader.push(bytes)
    this.#owner.handshaken(agreement)
  }
}
