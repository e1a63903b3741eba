import { ClientError } from '../hub/client-error.ts'
import type { Completion } from '../protocol/hub-message.ts'
import type { TimingWheel, WheelEntry } from '../timing-wheel.ts'

/** The calls to one client that it has not answered yet. */
export class ClientResults {
  readonly #wheel: TimingWheel
  /** By invocation id. */
  readonly #awaited = new Map<string, AwaitedResult>()

  constructor(wheel: TimingWheel) {
    this.#wheel = wheel
  }

  get isEmpty(): boolean {
    return this.#awaited.size === 0
  }

  has(invocationId: string): boolean {
    return this.#awaited.has(invocationId)
  }

  async result(invocationId: string, within: { timeoutMs: number; signal: AbortSignal | undefined }): Promise<unknown> {
    const awaited = new AwaitedResult(this.#wheel, within.timeoutMs)
    this.#awaited.set(invocationId, awaited)
    within.signal?.addEventListener('abort', awaited)
    try {
      return await awaited.promise
    } finally {
      this.#awaited.delete(invocationId)
      within.signal?.removeEventListener('abort', awaited)
      this.#wheel.cancel(awaited)
    }
  }

  take({ invocationId, result, error }: Completion): void {
    const awaited = this.#awaited.get(invocationId)
    if (error === undefined) awaited?.resolve(result)
    else awaited?.reject(new ClientError(error))
  }

  end(reason: Error): void {
    for (const awaited of this.#awaited.values()) awaited.reject(reason)
  }
}

class AwaitedResult implements WheelEntry, EventListenerObject {
  wheelSlot = -1
  readonly promise: Promise<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (reason: unknown) => void
  readonly #deadlineTick: number

  constructor(wheel: TimingWheel, timeoutMs: number) {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.promise = promise
    this.resolve = resolve
    this.reject = reject
    // One more, since a part of the present tick is over.
    const ticks = wheel.ticksOf(timeoutMs) + 1
    this.#deadlineTick = wheel.tick + ticks
    wheel.schedule(this, ticks)
  }

  look(tick: number): number {
    if (tick < this.#deadlineTick) return this.#deadlineTick - tick
    this.reject(new DOMException('The client did not answer in time.', 'TimeoutError'))
    return Infinity
  }

  handleEvent(event: Event): void {
    this.reject((event.target as AbortSignal).reason)
  }
}
