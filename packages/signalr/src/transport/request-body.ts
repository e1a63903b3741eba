import type { IncomingMessage } from 'node:http'
import { HubRefusal } from '../http/hub-refusal.ts'
import type { TimingWheel, WheelEntry } from '../timing-wheel.ts'

export interface BodyLimits {
  readonly bytes: number
  /** Until all of it is there. */
  readonly ticks: number
}

const FIRST_BYTES = 1024

/**
 * Gathers the body of a request: all of it or nothing. However small the pieces in which it comes, it takes no more
 * memory than its bytes, and a length that is only promised takes none.
 */
export class RequestBody implements WheelEntry {
  wheelSlot = -1
  /** Rejects with a `HubRefusal`. */
  readonly whole: Promise<Buffer>
  readonly #settle: PromiseWithResolvers<Buffer>
  readonly #request: IncomingMessage
  readonly #limits: BodyLimits
  readonly #wheel: TimingWheel
  readonly #deadlineTick: number
  #gathered = Buffer.alloc(0)
  #length = 0

  constructor(request: IncomingMessage & { body?: unknown }, limits: BodyLimits, wheel: TimingWheel) {
    this.#settle = Promise.withResolvers()
    this.whole = this.#settle.promise
    this.#request = request
    this.#limits = limits
    this.#wheel = wheel
    this.#deadlineTick = wheel.tick + limits.ticks
    if (request.readableDidRead) this.#takeRead(request.body)
    else if (Number(request.headers['content-length']) > limits.bytes) this.#settle.reject(tooLarge())
    else if (request.destroyed) this.#settle.reject(brokenOff())
    else this.#listen()
  }

  /** Nothing of it is wanted any more. */
  refuse(refusal: HubRefusal): void {
    this.#leave()
    this.#settle.reject(refusal)
  }

  look(tick: number): number {
    if (tick < this.#deadlineTick) return this.#deadlineTick - tick
    this.refuse(new HubRefusal(408, undefined, { connection: 'close' }))
    return Infinity
  }

  readonly #onData = (chunk: Buffer): void => {
    const length = this.#length + chunk.length
    if (length > this.#limits.bytes) return this.refuse(tooLarge())
    if (length > this.#gathered.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(Math.max(length, 2 * this.#gathered.length, FIRST_BYTES), this.#limits.bytes),
      )
      this.#gathered.copy(grown, 0, 0, this.#length)
      this.#gathered = grown
    }
    chunk.copy(this.#gathered, this.#length)
    this.#length = length
  }

  readonly #onEnd = (): void => {
    this.#leave()
    this.#settle.resolve(this.#gathered.subarray(0, this.#length))
  }

  readonly #onClose = (): void => this.refuse(brokenOff())

  /** What a body parser in front of the hub has made of it. */
  #takeRead(body: unknown): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    if (!Buffer.isBuffer(bytes)) {
      this.#settle.reject(new HubRefusal(500, 'The body was read, and changed, before it came to the hub.'))
    } else if (bytes.length > this.#limits.bytes) {
      this.#settle.reject(tooLarge())
    } else {
      this.#settle.resolve(bytes)
    }
  }

  #listen(): void {
    this.#wheel.schedule(this, this.#limits.ticks)
    this.#request.on('data', this.#onData)
    this.#request.on('end', this.#onEnd)
    this.#request.on('close', this.#onClose)
  }

  #leave(): void {
    this.#wheel.cancel(this)
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.off('close', this.#onClose)
  }
}

const tooLarge = () => new HubRefusal(413)
const brokenOff = () => new HubRefusal(400)
