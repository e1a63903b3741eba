import { WebSocket } from 'ws'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import type { TimingWheel } from '../timing-wheel.ts'
import { LateClosing } from './late-closing.ts'
import { tcpSocketOf } from './tcp-socket.ts'
import type { Transport, TransportListener } from './transport.ts'
import type { TransportName } from './transport-name.ts'

/** A `ws` socket that knows its transport, so that all sockets share the same few event handlers. */
export class HubSocket extends WebSocket {
  transport: WebSocketTransport | undefined

  /** `ws` calls it to answer a client that closes without a code. Some clients take all codes but 1000 for errors. */
  override close(code = 1000, reason?: string | Buffer): void {
    super.close(code, reason)
    this.transport?.closes()
  }
}

/** There was no closing frame. */
const ABNORMAL = 1006
const NOTHING = Buffer.alloc(0)

/** What the transports of a server share: how long a client may take to agree to the end. */
export interface WebSocketClosing {
  readonly wheel: TimingWheel
  readonly closeTicks: number
}

export class WebSocketTransport implements Transport {
  readonly #socket: HubSocket
  readonly #listener: TransportListener
  readonly #closing: WebSocketClosing
  #lateClosing: LateClosing | undefined
  #violated = false

  constructor(socket: HubSocket, listener: TransportListener, closing: WebSocketClosing) {
    this.#socket = socket
    this.#listener = listener
    this.#closing = closing
    socket.transport = this
    socket.on('message', onMessage)
    socket.on('error', onError)
    socket.on('close', onClose)
  }

  get name(): TransportName {
    return 'WebSockets'
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  write(messages: readonly EncodedMessage[]): boolean {
    return writeFrames(this.#socket, messages, () => this.#listener.drained())
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.resume()
    this.#socket.close(1000)
  }

  /** One side has said goodbye. */
  closes(): void {
    if (this.#lateClosing !== undefined) return
    const { wheel, closeTicks } = this.#closing
    this.#lateClosing = new LateClosing(this.#socket, wheel.tick + closeTicks)
    wheel.schedule(this.#lateClosing, closeTicks)
  }

  received(bytes: Buffer): void {
    this.#listener.received(bytes)
  }

  failed(error: Error): void {
    this.#violated ||= 'code' in error && String(error.code).startsWith('WS_ERR_')
  }

  closed(code: number): void {
    this.#socket.transport = undefined
    if (this.#lateClosing !== undefined) this.#closing.wheel.cancel(this.#lateClosing)
    this.#listener.closed(this.#violated ? 'violated' : code === ABNORMAL ? 'lost' : 'clean')
  }
}

/**
 * The one place that passes by `ws`: ready frames go to the TCP socket below it in one write, several times cheaper
 * than a `send` for each. That is sound because frames are whole and compression is off, so nothing of `ws`'s own is
 * ever half written. The TCP socket is not public API: where it is not found, `ws` sends the messages itself. False:
 * not all was taken at once, and `onDrained` is called when it was.
 */
export function writeFrames(socket: WebSocket, messages: readonly EncodedMessage[], onDrained: () => void): boolean {
  if (socket.readyState !== WebSocket.OPEN) return true
  const tcp = tcpSocketOf(socket)
  if (tcp !== undefined) {
    tcp.write(messages.length === 1 ? messages[0]!.webSocketFrame : Buffer.concat(messages.map(frameOf)))
    if (socket.bufferedAmount === 0) return true
    // Nothing, behind everything: its callback says that the rest has gone, and only a slow socket pays for a callback.
    tcp.write(NOTHING, onDrained)
    return false
  }
  for (const message of messages) socket.send(message.payload, { binary: message.isBinary, compress: false })
  if (socket.bufferedAmount === 0) return true
  socket.ping(NOTHING, false, onDrained)
  return false
}

const frameOf = (message: EncodedMessage): Buffer => message.webSocketFrame

function onMessage(this: WebSocket, data: WebSocket.RawData): void {
  ;(this as HubSocket).transport?.received(data as Buffer)
}

function onError(this: WebSocket, error: Error): void {
  ;(this as HubSocket).transport?.failed(error)
}

function onClose(this: WebSocket, code: number): void {
  ;(this as HubSocket).transport?.closed(code)
}
