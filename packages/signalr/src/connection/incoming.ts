import { HandshakeError, shakeHands } from '../protocol/handshake.ts'
import type { HubMessage } from '../protocol/hub-message.ts'
import type { HubProtocol, MessageReader, ReaderLimits } from '../protocol/hub-protocol.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { TextRecords } from '../protocol/text-records.ts'
import type { Transport } from '../transport/transport.ts'

export interface IncomingOwner {
  readonly hasEnded: boolean
  /** False: no message can be taken now. `readAgain` is called when one can. */
  readonly mayRead: boolean
  handshaken(protocol: HubProtocol): void
  handle(message: HubMessage): void
  misunderstood(error: ProtocolError | HandshakeError): void
}

/** How many messages of one client are taken before others get their turn: a crafted frame holds many thousands. */
const MESSAGES_PER_TURN = 256

/**
 * What one client sends: first its handshake, then messages of the protocol it asked for. While none can be taken, the
 * transport is paused and the client has to wait.
 */
export class Incoming {
  readonly #owner: IncomingOwner
  readonly #transport: Transport
  readonly #protocols: readonly HubProtocol[]
  readonly #limits: ReaderLimits
  #handshake: TextRecords | undefined
  #reader: MessageReader | undefined
  #isPaused = false
  /** Taken since the client last had nothing more to say. */
  #takenInTurn = 0
  #awaitsTurn = false

  constructor(
    owner: IncomingOwner,
    transport: Transport,
    options: { readonly protocols: readonly HubProtocol[]; readonly limits: ReaderLimits },
  ) {
    this.#owner = owner
    this.#transport = transport
    this.#protocols = options.protocols
    this.#limits = options.limits
    this.#handshake = new TextRecords(options.limits.messageBytes)
  }

  get isHandshaking(): boolean {
    return this.#handshake !== undefined
  }

  receive(bytes: Buffer): void {
    ;(this.#handshake ?? this.#reader)?.push(bytes)
    if (!this.#isPaused) this.#read()
  }

  /** There may be room again. */
  readAgain(): void {
    if (this.#isPaused && !this.#awaitsTurn) this.#read()
  }

  pause(): void {
    if (!this.#isPaused) this.#transport.pause()
    this.#isPaused = true
  }

  #read(): void {
    try {
      if (this.#handshake !== undefined) this.#shakeHands(this.#handshake)
      while (this.#reader !== undefined && !this.#owner.hasEnded) {
        if (!this.#owner.mayRead) return this.pause()
        if (this.#takenInTurn === MESSAGES_PER_TURN) return this.#awaitTurn()
        const message = this.#reader.next()
        if (message === undefined) return this.#resume()
        this.#takenInTurn++
        this.#owner.handle(message)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof HandshakeError)) throw error
      this.#owner.misunderstood(error)
    }
  }

  #awaitTurn(): void {
    this.pause()
    this.#awaitsTurn = true
    setImmediate(() => {
      this.#takenInTurn = 0
      this.#awaitsTurn = false
      this.#read()
    })
  }

  #resume(): void {
    this.#takenInTurn = 0
    if (this.#isPaused) this.#transport.resume()
    this.#isPaused = false
  }

  #shakeHands(records: TextRecords): void {
    const protocol = shakeHands(records, this.#protocols)
    if (protocol === undefined) return
    this.#handshake = undefined
    this.#reader = protocol.createReader(this.#limits)
    for (const bytes of records.takeRest()) this.#reader.push(bytes)
    this.#owner.handshaken(protocol)
  }
}
