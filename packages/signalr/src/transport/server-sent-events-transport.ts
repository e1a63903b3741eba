import type { ServerResponse } from 'node:http'
import type { AbandonedSocket, AbandonedSockets } from '../abandoned-sockets.ts'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { HttpTransport, type HttpTransportHost } from './http-transport.ts'
import type { TransportListener } from './transport.ts'
import { cutOff } from './tcp-socket.ts'
import type { TransportName } from './transport-name.ts'

/** Nothing between server and client is to keep it, compress it or wait for more. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
}
/** No event, but without a first byte Firefox does not take the stream for open. */
const COMMENT = ':\r\n'
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const DATA = Buffer.from('data: ')
const END_OF_LINE = Buffer.from('\r\n')

/**
 * One answer that does not end, of which every message is an event.
 *
 * The JavaScript client can leave such a stream behind: when its request fails before it is answered, the client gives up
 * the connection, but not its `EventSource`, which asks again by itself, and finds the connection waiting. Nothing comes
 * from the client then, and what it hears on that stream, or its end, goes to the connection it has begun meanwhile.
 */
export class ServerSentEventsTransport extends HttpTransport {
  readonly #response: ServerResponse
  #isAbandoned = false

  constructor(response: ServerResponse, connectionId: string, listener: TransportListener, host: HttpTransportHost) {
    super(connectionId, listener, host)
    this.#response = response
    response.writeHead(200, HEADERS)
    response.write(COMMENT)
    response.on('close', this.#onClose)
  }

  get name(): TransportName {
    return 'ServerSentEvents'
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  write(messages: readonly EncodedMessage[]): boolean {
    this.#response.write(Buffer.concat(messages.flatMap(({ payload }) => eventOf(payload))), this.#onWritten)
    return false
  }

  override close(): void {
    super.close()
    this.#response.end()
    this.host.wheel.schedule(this, this.host.closeTicks)
  }

  abandon(): void {
    super.close()
    if (this.#response.writableLength === 0) return this.#leave()
    this.#isAbandoned = true
    this.host.wheel.schedule(this, this.host.closeTicks)
  }

  /** The client has had its time to take what was written last. */
  look(): number {
    if (this.#isAbandoned && this.#response.writableLength === 0) this.#leave()
    else if (this.#response.socket === null) this.#response.destroy()
    else cutOff(this.#response.socket)
    return Infinity
  }

  #leave(): void {
    this.#response.off('close', this.#onClose)
    leave(this.#response, this.host.abandoned)
    this.end('lost')
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.listener.drained()
  }

  readonly #onClose = (): void => this.end(this.#response.writableFinished ? 'clean' : 'lost')
}

/** Of the connection nothing is kept. */
function leave(response: ServerResponse, abandoned: AbandonedSockets): void {
  const socket: AbandonedSocket = {
    keepAlive: () => void response.write(COMMENT),
    close: () => void response.end(),
  }
  response.on('close', () => abandoned.delete(socket))
  abandoned.add(socket)
}

/** Every line break in the payload, which can only stand between the parts of a JSON text, begins a new line of data. */
function eventOf(payload: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let start = 0
  for (let index = 0; index < payload.length; index++) {
    if (payload[index] !== LINE_FEED && payload[index] !== CARRIAGE_RETURN) continue
    lines.push(DATA, payload.subarray(start, index), END_OF_LINE)
    start = index + 1
  }
  lines.push(DATA, payload.subarray(start), END_OF_LINE, END_OF_LINE)
  return lines
}
