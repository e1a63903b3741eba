import type { TimingWheel, WheelEntry } from '../timing-wheel.ts'

/** The intervals of every connection, in ticks of the wheel. */
export interface HeartbeatIntervals {
  readonly handshake: number
  readonly keepAlive: number
  readonly clientTimeout: number
  readonly buffered: number
  /** For how long a client without a socket is waited for. */
  readonly disconnect: number
}

export interface HeartbeatOwner {
  readonly hasEnded: boolean
  readonly isHandshaking: boolean
  /** A hub method runs: meanwhile the client may be silent, since its messages may not even be read. */
  readonly isBusy: boolean
  /** Since when the oldest byte waits to be sent. */
  readonly waitingSinceTick: number | undefined
  /** The client has no socket and may come back with another. */
  readonly isDetached: boolean
  /** Its transport finds out by itself whether the client is there: no pings, no silence that is too long. */
  readonly keepsItselfAlive: boolean
  pulse(verdict: Verdict): void
}

export type Verdict = 'ping' | 'handshake timeout' | 'client timeout' | 'slow client' | 'gone'

/** When one connection was last heard and sent to, and what follows from it. */
export class Heartbeat implements WheelEntry {
  wheelSlot = -1
  readonly #owner: HeartbeatOwner
  readonly #wheel: TimingWheel
  readonly #intervals: HeartbeatIntervals
  readonly #openedTick: number
  #heardTick: number
  #sentTick: number

  constructor(owner: HeartbeatOwner, wheel: TimingWheel, intervals: HeartbeatIntervals) {
    this.#owner = owner
    this.#wheel = wheel
    this.#intervals = intervals
    this.#openedTick = this.#heardTick = this.#sentTick = wheel.tick
    wheel.schedule(this, intervals.handshake)
  }

  heard(): void {
    this.#heardTick = this.#wheel.tick
  }

  sent(): void {
    this.#sentTick = this.#wheel.tick
  }

  /** From now on it is waited for the client to come back. */
  detached(): void {
    this.heard()
    this.lookSooner()
  }

  /** The connection's state has changed in a way that may call for an earlier look. */
  lookSooner(): void {
    this.#wheel.schedule(this, this.#ticksToNextVerdict(this.#wheel.tick))
  }

  stop(): void {
    this.#wheel.cancel(this)
  }

  look(tick: number): number {
    const verdict = this.#verdict(tick)
    if (verdict !== undefined) this.#owner.pulse(verdict)
    return this.#owner.hasEnded ? Infinity : this.#ticksToNextVerdict(tick)
  }

  #verdict(tick: number): Verdict | undefined {
    const { isHandshaking, isBusy, isDetached, waitingSinceTick, keepsItselfAlive } = this.#owner
    const { handshake, keepAlive, clientTimeout, buffered, disconnect } = this.#intervals
    if (isHandshaking) return tick - this.#openedTick >= handshake ? 'handshake timeout' : undefined
    if (isDetached) return tick - this.#heardTick >= disconnect ? 'gone' : undefined
    if (waitingSinceTick !== undefined && tick - waitingSinceTick >= buffered) return 'slow client'
    if (keepsItselfAlive) return undefined
    if (!isBusy && tick - this.#heardTick >= clientTimeout) return 'client timeout'
    return tick - this.#sentTick >= keepAlive ? 'ping' : undefined
  }

  /** In how many ticks the verdict may be another one, if nothing happens until then. */
  #ticksToNextVerdict(tick: number): number {
    const { isHandshaking, isBusy, isDetached, waitingSinceTick, keepsItselfAlive } = this.#owner
    const { handshake, keepAlive, clientTimeout, buffered, disconnect } = this.#intervals
    if (isHandshaking) return this.#openedTick + handshake - tick
    if (isDetached) return this.#heardTick + disconnect - tick
    const untilTooSlow = waitingSinceTick === undefined ? Infinity : waitingSinceTick + buffered - tick
    if (keepsItselfAlive) return untilTooSlow
    return Math.min(
      this.#sentTick + keepAlive - tick,
      isBusy ? clientTimeout : this.#heardTick + clientTimeout - tick,
      untilTooSlow,
    )
  }
}
