import type { ServerResponse } from 'node:http'
import type { EncodedMessage } from '../protocol/encoded-message.ts'
import { HttpTransport, type HttpTransportHost } from './http-transport.ts'
import type { TransportListener } from './transport.ts'
import type { TransportName } from './transport-name.ts'

const HEADERS = {
  'content-type': 'application/octet-stream',
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
}
const NOTHING = Buffer.alloc(0)

/**
 * The client asks, and the answer waits until there is something to say. What is written while nobody asks waits for the
 * next poll. The end of the connection is an answer, too: behind everything else, and to a poll that may have yet to come.
 */
export class LongPollingTransport extends HttpTransport {
  /** The poll that waits. */
  #parked: ServerResponse | undefined
  /** An answer that must arrive and has not left yet: messages, or the end. */
  #leaving: ServerResponse | undefined
  #leavingBytes = 0
  #waiting: EncodedMessage[] | undefined
  #waitingBytes = 0
  /** When the client last asked, or was answered. */
  #sinceTick: number

  /** The first poll is answered at once: it only opens the connection. */
  constructor(response: ServerResponse, connectionId: string, listener: TransportListener, host: HttpTransportHost) {
    super(connectionId, listener, host)
    this.#sinceTick = host.wheel.tick
    answer(response, 200)
    this.#schedule()
  }

  get name(): TransportName {
    return 'LongPolling'
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#leavingBytes
  }

  write(messages: readonly EncodedMessage[]): boolean {
    if (this.hasEnded) return true
    this.#waiting ??= []
    for (const message of messages) {
      this.#waiting.push(message)
      this.#waitingBytes += message.payload.length
    }
    this.#answerPoll()
    return false
  }

  poll(response: ServerResponse): void {
    this.#answerWithoutBytes(204)
    this.#parked = response
    response.on('close', () => this.#closed(response))
    this.#schedule()
    this.#answerPoll()
  }

  override close(): void {
    super.close()
    this.#schedule()
    this.#answerPoll()
  }

  /** The client wants nothing more. */
  leave(): void {
    this.end('clean')
    this.#answerWithoutBytes(204)
  }

  look(tick: number): number {
    const deadlineTick = this.#sinceTick + this.#patienceTicks
    if (tick < deadlineTick) return deadlineTick - tick
    if (this.#parked === undefined) {
      this.#leaving?.destroy()
      this.end('lost')
      return Infinity
    }
    this.#answerWithoutBytes(200)
    this.#sinceTick = tick
    return this.#patienceTicks
  }

  #schedule(): void {
    this.#sinceTick = this.host.wheel.tick
    this.host.wheel.schedule(this, this.#patienceTicks)
  }

  /** For how long things may stay as they are. */
  get #patienceTicks(): number {
    const { pollTicks, disconnectTicks, closeTicks } = this.host
    if (this.#parked !== undefined) return pollTicks
    return this.isClosing ? Math.min(closeTicks, disconnectTicks) : disconnectTicks
  }

  #answerPoll(): void {
    const response = this.#parked
    if (this.hasEnded || response === undefined || this.#leaving !== undefined) return
    if (this.#waiting === undefined && !this.isClosing) return
    this.#parked = undefined
    this.#leaving = response
    this.#schedule()
    if (this.#waiting === undefined) return answer(response, 204)
    const payloads = this.#waiting.map(({ payload }) => payload)
    this.#waiting = undefined
    this.#leavingBytes = this.#waitingBytes
    this.#waitingBytes = 0
    answer(response, 200, payloads.length === 1 ? payloads[0] : Buffer.concat(payloads))
  }

  /** If this is lost, nothing is. */
  #answerWithoutBytes(status: 200 | 204): void {
    const response = this.#parked
    this.#parked = undefined
    if (response !== undefined) answer(response, status)
  }

  #closed(response: ServerResponse): void {
    if (this.hasEnded) return
    if (response === this.#parked) {
      this.#parked = undefined
      this.#schedule()
    }
    if (response !== this.#leaving) return
    this.#leaving = undefined
    const isEnd = response.statusCode === 204
    if (response.writableFinished) {
      if (isEnd) return this.end('clean')
      this.#leavingBytes = 0
      this.#schedule()
      this.listener.drained()
      this.#answerPoll()
    } else if (!isEnd) {
      // The client must not go on over what it has missed.
      this.end('lost')
      this.#answerWithoutBytes(204)
    }
  }
}

function answer(response: ServerResponse, status: 200 | 204, body: Buffer = NOTHING): void {
  response.writeHead(status, status === 204 ? HEADERS : { ...HEADERS, 'content-length': body.length })
  response.end(body)
}
