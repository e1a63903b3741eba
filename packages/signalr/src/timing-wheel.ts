/** Something that wants to be looked at when its time has come. */
export interface WheelEntry {
  /** Belongs to the wheel: where the entry stands, -1 for nowhere. */
  wheelSlot: number
  /** Answers in how many ticks to look again. Early looks are possible and must do no harm. */
  look(tick: number): number
}

const SLOTS = 64

/**
 * One timer for all connections. Time is counted in ticks of this wheel, so a process that was stopped for a while does
 * not take its own pause for a silence of its clients.
 */
export class TimingWheel implements Disposable {
  readonly #tickMs: number
  readonly #slots: Set<WheelEntry>[] = Array.from({ length: SLOTS }, () => new Set())
  readonly #everyTick: ((tick: number) => void)[] = []
  readonly #timer: NodeJS.Timeout
  #tick = 0

  constructor(tickMs: number) {
    this.#tickMs = tickMs
    this.#timer = setInterval(() => this.#turn(), tickMs).unref()
  }

  get tick(): number {
    return this.#tick
  }

  /** The number of ticks that is surely not less than a duration. */
  ticksOf(durationMs: number): number {
    return Math.max(1, Math.ceil(durationMs / this.#tickMs))
  }

  everyTick(work: (tick: number) => void): void {
    this.#everyTick.push(work)
  }

  /**
   * Looks at the entry after so many ticks, or earlier if the wheel is smaller than that. Replaces an earlier schedule.
   */
  schedule(entry: WheelEntry, ticks: number): void {
    this.cancel(entry)
    entry.wheelSlot = (this.#tick + Math.min(Math.max(1, ticks), SLOTS - 1)) % SLOTS
    this.#slots[entry.wheelSlot]!.add(entry)
  }

  cancel(entry: WheelEntry): void {
    if (entry.wheelSlot < 0) return
    this.#slots[entry.wheelSlot]!.delete(entry)
    entry.wheelSlot = -1
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #turn(): void {
    this.#tick++
    for (const work of this.#everyTick) work(this.#tick)
    for (const entry of this.#slots[this.#tick % SLOTS]!) {
      this.cancel(entry)
      const ticks = entry.look(this.#tick)
      // Looking may have ended the entry or scheduled it anew; an ended one answers Infinity.
      if (entry.wheelSlot < 0 && Number.isFinite(ticks)) this.schedule(entry, ticks)
    }
  }
}
