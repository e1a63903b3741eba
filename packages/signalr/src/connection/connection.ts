import { pingFrame, type Frame } from '../frame.ts'
import { ConnectionEndedError } from '../hub/connection-ended-error.ts'
import type { DisconnectReason, HubConnection, InvokeOptions } from '../hub/hub.ts'
import { HubError } from '../hub/hub-error.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import {
  HANDSHAKE_CANCELED,
  HandshakeError,
  handshakeAccepted,
  handshakeRefused,
  type Agreement,
} from '../protocol/handshake.ts'
import { MessageType, type Close, type HubMessage } from '../protocol/hub-message.ts'
import type { HubProtocol, MessageReader } from '../protocol/hub-protocol.ts'
import type { ProtocolError } from '../protocol/protocol-error.ts'
import { ResumableTransport, type ResumableListener } from '../stateful/resumable-transport.ts'
import type { OpenTransport, Transport, TransportEnding } from '../transport/transport.ts'
import type { TransportName } from '../transport/transport-name.ts'
import type { Call } from './call.ts'
import type { ConnectionHost } from './connection-host.ts'
import { Exchange, type ExchangeOwner } from './exchange.ts'
import { Heartbeat, type HeartbeatOwner, type Verdict } from './heartbeat.ts'
import { HubContact } from './hub-contact.ts'
import { Incoming, type IncomingOwner } from './incoming.ts'
import { Outbox, type Delivery, type OutboxOwner } from './outbox.ts'

type Parts<Identity, State> = ResumableListener &
  IncomingOwner &
  ExchangeOwner<Identity, State> &
  OutboxOwner &
  HeartbeatOwner

const CLOSED_WITH_ERROR = 'Connection closed with an error.'
/** From this version of the handshake on, both sides count their messages if that was negotiated. */
const STATEFUL_VERSION = 2

/** One client: binds its parts together and decides the order in which its life begins and ends. */
export class Connection<Identity, State> implements HubConnection<Identity, State>, Parts<Identity, State> {
  readonly id: string
  identity: Identity
  state: State = undefined as State
  /** If the server knows users. */
  userId: string | undefined
  readonly #host: ConnectionHost<Identity, State>
  readonly #transport: Transport
  /** The same transport, if it was negotiated to outlive its socket. */
  readonly #resumable: ResumableTransport | undefined
  readonly #incoming: Incoming
  readonly #exchange: Exchange<Identity, State>
  readonly #outbox: Outbox
  readonly #heartbeat: Heartbeat
  readonly #contact: HubContact<Identity, State>
  /** Known once the handshake is done. */
  #protocol: HubProtocol | undefined
  #endedBy: DisconnectReason | undefined

  constructor(
    host: ConnectionHost<Identity, State>,
    id: string,
    identity: Identity,
    openTransport: OpenTransport,
    isStateful: boolean,
  ) {
    this.id = id
    this.identity = identity
    this.#host = host
    this.#resumable = isStateful ? new ResumableTransport(this, openTransport, host) : undefined
    this.#transport = this.#resumable ?? openTransport(this)
    this.#exchange = new Exchange(host, this)
    this.#incoming = new Incoming(this, this.#exchange, this.#transport, host)
    this.#outbox = new Outbox(this, this.#transport, host)
    this.#heartbeat = new Heartbeat(this, host.wheel, host.intervals)
    this.#contact = new HubContact(host, this, this.#exchange.inbox)
  }

  // For the hub

  get transport(): TransportName {
    return this.#transport.name
  }

  send(target: string, ...args: unknown[]): void {
    if (this.#protocol === undefined || this.hasEnded) return
    this.deliver(this.#protocol.encode({ type: MessageType.invocation, target, arguments: args }))
  }

  sendFrame(frame: Frame, delivery?: Delivery): void {
    if (this.#protocol !== undefined && !this.hasEnded) this.deliver(frame.encodedFor(this.#protocol), delivery)
  }

  invoke(target: string, args: readonly unknown[], options?: InvokeOptions): Promise<unknown> {
    return this.#exchange.invoke(target, args, options)
  }

  join(group: string): void {
    if (!this.hasEnded) this.#host.groups.join(group, this)
  }

  leave(group: string): void {
    this.#host.groups.leave(group, this)
  }

  renewIdentity(identity: Identity): void {
    this.identity = identity
  }

  close(options: { error?: string; allowReconnect?: boolean } = {}): void {
    this.#end('server closed', this.#closeMessage(options))
  }

  // For the server

  get hasEnded(): boolean {
    return this.#endedBy !== undefined
  }

  /** By which the client may come back with another socket, if that was negotiated. */
  get resumable(): ResumableTransport | undefined {
    return this.#resumable
  }

  /** Takes no more invocations, lets those that were taken finish, then ends; the client comes back elsewhere. */
  async drain(): Promise<void> {
    if (this.hasEnded) return
    await this.#exchange.drain()
    this.#end('server stopping', this.#closeMessage({ allowReconnect: true }), { isHeard: !this.isHandshaking })
  }

  // For the transport

  received(bytes: Buffer): void {
    if (!this.hasEnded) this.#incoming.receive(bytes)
  }

  drained(): void {
    this.#outbox.drained()
  }

  closed(ending: TransportEnding): void {
    this.#end(ending === 'clean' ? 'client closed' : ending === 'lost' ? 'lost' : 'protocol error')
    this.#host.closed(this)
  }

  detached(): void {
    this.#heartbeat.detached()
  }

  reattached(reader: MessageReader): void {
    this.#heartbeat.heard()
    this.#heartbeat.lookSooner()
    this.#incoming.readFrom(reader)
  }

  // For what comes in and goes out

  admits(message: HubMessage): boolean {
    this.#heartbeat.heard()
    return this.#resumable === undefined || this.#resumable.admits(message)
  }

  handshaken({ protocol, version }: Agreement): void {
    this.#protocol = protocol
    this.deliver(handshakeAccepted(protocol))
    if (version >= STATEFUL_VERSION && this.#resumable !== undefined) {
      this.#outbox.flush()
      this.#resumable.enable(protocol)
    }
    this.#heartbeat.lookSooner()
    void this.#begin()
  }

  misunderstood(error: ProtocolError | HandshakeError): void {
    this.#host.log.debug({ reason: error.message, connectionId: this.id }, 'client broke the protocol')
    if (error instanceof HandshakeError) this.#end('protocol error', handshakeRefused(error.message))
    else this.#endForNow('protocol error', this.#host.dispatcher.describe(CLOSED_WITH_ERROR, error))
  }

  clientCloses(): void {
    this.#end('client closed')
  }

  wasBusy(): void {
    this.#heartbeat.heard()
  }

  readAgain(): void {
    if (!this.hasEnded) this.#incoming.readAgain()
  }

  get protocol(): HubProtocol {
    return this.#protocol!
  }

  begun(call: Call): void {
    this.#exchange.inbox.begun(call)
  }

  get isSlow(): boolean {
    return !this.hasEnded && this.#outbox.bufferedBytes > this.#host.limits.lossyAboveBytes
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes
  }

  get hasRoomToSend(): boolean {
    return this.#outbox.hasRoom
  }

  roomToSend(): Promise<void> {
    return this.#outbox.room()
  }

  // For the outbox and the heartbeat

  outboxWaits(): void {
    if (!this.hasEnded) this.#heartbeat.lookSooner()
  }

  get isHandshaking(): boolean {
    return this.#incoming.isHandshaking
  }

  get isBusy(): boolean {
    return !this.#exchange.inbox.isIdle || this.#incoming.isPaused
  }

  get isDetached(): boolean {
    return this.#resumable?.isDetached === true
  }

  /** Both sides know from its polls that the other one is there. */
  get keepsItselfAlive(): boolean {
    return this.transport === 'LongPolling'
  }

  /** While the client was away nothing could be sent, which is no sign of a slow one. */
  get waitingSinceTick(): number | undefined {
    const sinceTick = this.#outbox.waitingSinceTick
    return sinceTick === undefined ? undefined : Math.max(sinceTick, this.#resumable?.attachedTick ?? 0)
  }

  pulse(verdict: Verdict): void {
    if (verdict === 'ping') this.sendFrame(pingFrame)
    else if (verdict === 'gone') this.#end('lost')
    else if (verdict === 'handshake timeout') this.#handshakeTimedOut()
    else if (verdict === 'slow client') this.#endForNow(verdict, verdict)
    else this.#endForNow(verdict, CLOSED_WITH_ERROR, { isHeard: false })
  }

  async #begin(): Promise<void> {
    const { dispatcher, log } = this.#host
    try {
      await this.#contact.begin()
      this.#exchange.inbox.open()
    } catch (error) {
      if (!(error instanceof HubError))
        log.error({ error, connectionId: this.id }, 'hub could not take in a connection')
      this.#exchange.inbox.end(new ConnectionEndedError())
      this.#end('connect failed', this.#closeMessage({ error: dispatcher.describe(CLOSED_WITH_ERROR, error) }))
    }
  }

  deliver(message: EncodedMessage, delivery: Delivery = 'durable'): void {
    this.#heartbeat.sent()
    const fits = this.#outbox.add(message, delivery, this.#host.wheel.tick)
    if (!fits) this.#endForNow('slow client', 'slow client')
  }

  #closeMessage(close: Omit<Close, 'type'>): EncodedMessage | undefined {
    return this.#protocol?.encode({ type: MessageType.close, ...close })
  }

  /** Where a client may have abandoned the connection it is not even told. */
  #handshakeTimedOut(): void {
    const last = this.#transport.abandon === undefined ? handshakeRefused(HANDSHAKE_CANCELED) : undefined
    this.#end('protocol error', last, { isHeard: false })
  }

  /** The client may come back. */
  #endForNow(reason: DisconnectReason, error: string, by?: { isHeard: boolean }): void {
    this.#end(reason, this.#closeMessage({ error, allowReconnect: true }), by)
  }

  /** A client that was not heard, or not any more, may have abandoned the connection. */
  #end(reason: DisconnectReason, last?: EncodedMessage, { isHeard } = { isHeard: true }): void {
    if (this.hasEnded) return
    this.#endedBy = reason
    const { counts } = this.#host
    if (this.#protocol === undefined) counts.failedHandshakes += 1
    else counts.countEnd(reason)
    this.#heartbeat.stop()
    if (reason === 'slow client') this.#outbox.clear()
    this.#outbox.finish(last, this.#host.wheel.tick)
    if (isHeard || this.#transport.abandon === undefined) this.#transport.close()
    else this.#transport.abandon()
    this.#incoming.end()
    this.#exchange.end(reason)
    this.#host.ended(this, this.#contact.end(reason))
  }
}
