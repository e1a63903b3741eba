import { encodeCompletion } from '../dispatcher.ts'
import { pingFrame, type Frame } from '../frame.ts'
import { HubError } from '../hub-error.ts'
import type { DisconnectReason, HubConnection } from '../hub.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { HANDSHAKE_CANCELED, HandshakeError, handshakeAccepted, handshakeRefused } from '../protocol/handshake.ts'
import { MessageType, type Close, type HubMessage, type Invocation } from '../protocol/hub-message.ts'
import type { HubProtocol } from '../protocol/hub-protocol.ts'
import type { ProtocolError } from '../protocol/protocol-error.ts'
import type { Transport, TransportEnding, TransportListener } from '../transport/transport.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Heartbeat, type HeartbeatOwner, type Verdict } from './heartbeat.ts'
import { HubContact } from './hub-contact.ts'
import { Inbox, type InboxOwner } from './inbox.ts'
import { Incoming, type IncomingOwner } from './incoming.ts'
import { Outbox, type Delivery, type OutboxOwner } from './outbox.ts'

type Parts = TransportListener & IncomingOwner & InboxOwner & OutboxOwner & HeartbeatOwner

const CLOSED_WITH_ERROR = 'Connection closed with an error.'

/** One client: binds its parts together and decides the order in which its life begins and ends. */
export class Connection<Identity, State> implements HubConnection<Identity, State>, Parts {
  readonly id: string
  readonly identity: Identity
  state: State = undefined as State
  readonly #host: ConnectionHost<Identity, State>
  readonly #transport: Transport
  readonly #incoming: Incoming
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #heartbeat: Heartbeat
  readonly #contact: HubContact<Identity, State>
  /** Known once the handshake is done. */
  #protocol: HubProtocol | undefined
  #isDraining = false
  #endedBy: DisconnectReason | undefined

  constructor(
    host: ConnectionHost<Identity, State>,
    id: string,
    identity: Identity,
    openTransport: (listener: TransportListener) => Transport,
  ) {
    this.id = id
    this.identity = identity
    this.#host = host
    this.#transport = openTransport(this)
    this.#incoming = new Incoming(this, this.#transport, host)
    this.#inbox = new Inbox(this, host.inboxLimits)
    this.#outbox = new Outbox(this, this.#transport, host.flushes, host.limits)
    this.#heartbeat = new Heartbeat(this, host.wheel, host.intervals)
    this.#contact = new HubContact(host, this, this.#inbox)
  }

  // For the hub

  send(target: string, ...args: unknown[]): void {
    if (this.#protocol === undefined || this.hasEnded) return
    this.#deliver(this.#protocol.encode({ type: MessageType.invocation, target, arguments: args }))
  }

  sendFrame(frame: Frame, delivery?: Delivery): void {
    if (this.#protocol !== undefined && !this.hasEnded) this.#deliver(frame.encodedFor(this.#protocol), delivery)
  }

  close(options: { error?: string; allowReconnect?: boolean } = {}): void {
    this.#end('server closed', this.#closeMessage(options))
  }

  // For the server

  get hasEnded(): boolean {
    return this.#endedBy !== undefined
  }

  /** Reads no more, lets the invocations that were read finish, then ends; the client comes back elsewhere. */
  async drain(): Promise<void> {
    if (this.hasEnded) return
    this.#isDraining = true
    this.#incoming.pause()
    await this.#inbox.settled(this.#host.invocationGraceMs)
    this.#end('server stopping', this.#closeMessage({ allowReconnect: true }))
  }

  // For the transport

  received(bytes: Buffer): void {
    if (this.hasEnded) return
    this.#heartbeat.heard()
    this.#incoming.receive(bytes)
  }

  drained(): void {
    this.#outbox.drained()
  }

  closed(ending: TransportEnding): void {
    this.#end(ending === 'clean' ? 'client closed' : ending === 'lost' ? 'lost' : 'protocol error')
    this.#host.closed(this)
  }

  // For what comes in

  get mayRead(): boolean {
    return this.#inbox.hasRoom && !this.#isDraining
  }

  handshaken(protocol: HubProtocol): void {
    this.#protocol = protocol
    this.#deliver(handshakeAccepted)
    this.#heartbeat.lookSooner()
    void this.#begin()
  }

  handle(message: HubMessage): void {
    if (message.type === MessageType.invocation) this.#invoke(message)
    else if (message.type === MessageType.streamInvocation) {
      this.#fail(message.invocationId, this.#host.dispatcher.refuseStream(message))
    } else if (message.type === MessageType.close) this.#end('client closed')
    // A ping has done its work by coming. There is no stream, no call to the client and no stateful connection that the
    // other messages could belong to.
  }

  misunderstood(error: ProtocolError | HandshakeError): void {
    this.#host.log.debug({ reason: error.message, connectionId: this.id }, 'client broke the protocol')
    if (error instanceof HandshakeError) this.#end('protocol error', handshakeRefused(error.message))
    else this.#endForNow('protocol error', this.#host.dispatcher.describe(CLOSED_WITH_ERROR, error))
  }

  // For the inbox

  async run(invocation: Invocation): Promise<void> {
    const completion = await this.#host.dispatcher.invoke(this, invocation, this.#protocol!)
    this.#heartbeat.heard()
    if (completion !== undefined && !this.hasEnded) this.#deliver(completion)
  }

  inboxHasRoom(): void {
    if (!this.hasEnded) this.#incoming.readAgain()
  }

  // For the outbox and the heartbeat

  outboxWaits(): void {
    if (!this.hasEnded) this.#heartbeat.lookSooner()
  }

  get isHandshaking(): boolean {
    return this.#incoming.isHandshaking
  }

  get isBusy(): boolean {
    return !this.#inbox.isIdle
  }

  get waitingSinceTick(): number | undefined {
    return this.#outbox.waitingSinceTick
  }

  pulse(verdict: Verdict): void {
    if (verdict === 'ping') this.sendFrame(pingFrame)
    else if (verdict === 'handshake timeout') this.#end('protocol error', handshakeRefused(HANDSHAKE_CANCELED))
    else this.#endForNow(verdict, verdict === 'slow client' ? 'slow client' : CLOSED_WITH_ERROR)
  }

  async #begin(): Promise<void> {
    const { dispatcher, log } = this.#host
    try {
      await this.#contact.begin()
      if (!this.hasEnded) this.#inbox.open()
    } catch (error) {
      if (!(error instanceof HubError))
        log.error({ error, connectionId: this.id }, 'hub could not take in a connection')
      this.#end('connect failed', this.#closeMessage({ error: dispatcher.describe(CLOSED_WITH_ERROR, error) }))
    }
  }

  #invoke(invocation: Invocation): void {
    const { invocationId } = invocation
    if (invocationId === undefined || !this.#inbox.has(invocationId)) this.#inbox.add(invocation)
    else this.#fail(invocationId, `Invocation ID '${invocationId}' is already in use.`)
  }

  #fail(invocationId: string, error: string): void {
    this.#deliver(encodeCompletion(this.#protocol!, invocationId, { error })!)
  }

  #deliver(message: EncodedMessage, delivery: Delivery = 'durable'): void {
    this.#heartbeat.sent()
    const fits = this.#outbox.add(message, delivery, this.#host.wheel.tick)
    if (!fits) this.#endForNow('slow client', 'slow client')
  }

  #closeMessage(close: Omit<Close, 'type'>): EncodedMessage | undefined {
    return this.#protocol?.encode({ type: MessageType.close, ...close })
  }

  /** The client may come back. */
  #endForNow(reason: DisconnectReason, error: string): void {
    this.#end(reason, this.#closeMessage({ error, allowReconnect: true }))
  }

  #end(reason: DisconnectReason, last?: EncodedMessage): void {
    if (this.hasEnded) return
    this.#endedBy = reason
    this.#heartbeat.stop()
    if (reason === 'slow client') this.#outbox.clear()
    this.#outbox.finish(last, this.#host.wheel.tick)
    this.#transport.close()
    this.#inbox.dropWaiting()
    this.#host.ended(this, this.#contact.end(reason))
  }
}
