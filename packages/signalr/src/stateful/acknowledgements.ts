import type { TimingWheel, WheelEntry } from '../timing-wheel.ts'
import { ReceivedMessages } from './received-messages.ts'

const EVERY_MS = 1_000

/** Counts what the client sends, and tells it at most once a second how far that has come. */
export class Acknowledgements implements WheelEntry {
  wheelSlot = -1
  readonly #received = new ReceivedMessages()
  readonly #wheel: TimingWheel
  readonly #tell: (latestId: number) => void

  constructor(wheel: TimingWheel, tell: (latestId: number) => void) {
    this.#wheel = wheel
    this.#tell = tell
  }

  /** False: the message came before. The client does not know that, so it is told again. */
  take(): boolean {
    if (this.wheelSlot < 0) this.#wheel.schedule(this, this.#wheel.ticksOf(EVERY_MS))
    return this.#received.take()
  }

  rewind(nextId: number): void {
    this.#received.rewind(nextId)
  }

  look(): number {
    this.#tell(this.#received.latestId)
    return Infinity
  }

  stop(): void {
    this.#wheel.cancel(this)
  }
}
