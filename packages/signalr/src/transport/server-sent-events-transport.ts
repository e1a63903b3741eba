import type { ServerResponse } from 'node:http'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { HttpTransport, type HttpTransportHost } from './http-transport.ts'
import type { TransportListener } from './transport.ts'
import type { TransportName } from './transport-name.ts'

/** Nothing between server and client is to keep it, compress it or wait for more. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
}
/** A comment: without it Firefox does not take the stream for open. */
const OPENING = ':\r\n'
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const DATA = Buffer.from('data: ')
const END_OF_LINE = Buffer.from('\r\n')

/** One answer that does not end, of which every message is an event. */
export class ServerSentEventsTransport extends HttpTransport {
  readonly #response: ServerResponse

  constructor(response: ServerResponse, connectionId: string, listener: TransportListener, host: HttpTransportHost) {
    super(connectionId, listener, host)
    this.#response = response
    response.writeHead(200, HEADERS)
    response.write(OPENING)
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

  /** It has not taken what was written before the end. */
  look(): number {
    this.#response.destroy()
    return Infinity
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.listener.drained()
  }

  readonly #onClose = (): void => this.end(this.#response.writableFinished ? 'clean' : 'lost')
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
