import type { WaitingSend } from './waiting-send.ts'
import { Write, type WriteBounds } from './write.ts'

/** The waiting sends of one conversation, in order. */
interface Line {
  readonly conversationId: string
  readonly sends: WaitingSend[]
  /** Those that are being written. */
  taken: readonly WaitingSend[]
  /** Written in its lane, alone and waiting for the lock, until nothing waits. */
  inLane: boolean
  /** Runs in a lane, and anew with each write that ends. */
  stallTimer: NodeJS.Timeout | undefined
  isStalled: boolean
}

/**
 * Sends that wait to be written, by conversation. A conversation is in at most one write at a time, so its sends are written
 * in the order in which they came, whichever way they go. Conversations take turns.
 */
export class WaitingSends {
  readonly #stallAfterMs: number
  readonly #bounds: WriteBounds
  readonly #refuseExpired: (expired: WaitingSend) => void
  readonly #lines = new Map<string, Line>()
  /** Lines that are not being written now, in turn. */
  readonly #forGroups = new Set<Line>()
  readonly #forLanes = new Set<Line>()

  /** `bounds` are those of one write. A conversation whose lane ends no write for `stallAfterMs` gets nowhere. */
  constructor(options: { bounds: WriteBounds; stallAfterMs: number; refuseExpired: (expired: WaitingSend) => void }) {
    this.#bounds = options.bounds
    this.#stallAfterMs = options.stallAfterMs
    this.#refuseExpired = options.refuseExpired
  }

  add(waiting: WaitingSend): void {
    const { conversationId } = waiting.send.message
    const line = this.#lines.get(conversationId)
    if (line !== undefined) {
      line.sends.push(waiting)
      if (line.isStalled) waiting.stall()
      return
    }
    const opened: Line = {
      conversationId,
      sends: [waiting],
      taken: [],
      inLane: false,
      stallTimer: undefined,
      isStalled: false,
    }
    this.#lines.set(conversationId, opened)
    this.#forGroups.add(opened)
  }

  /** The next group: of as many conversations as have sends waiting and fit in. Empty when nothing can be written now. */
  takeGroup(): WaitingSend[] {
    const write = new Write(this.#bounds, this.#refuseExpired)
    for (const line of this.#forGroups) {
      if (write.isFull) break
      this.#take(write, line, this.#forGroups)
    }
    return write.taken
  }

  /** The next write of one conversation alone. Empty when no lane has anything to write now. */
  takeLane(): WaitingSend[] {
    for (const line of this.#forLanes) {
      const write = new Write(this.#bounds, this.#refuseExpired)
      this.#take(write, line, this.#forLanes)
      if (write.taken.length > 0) return write.taken
    }
    return []
  }

  /**
   * A write is over, and its conversations can be written again. Those of its sends that are still unsettled wait on, in front
   * of their lines; conversations in `toLanes` go on in their lanes.
   */
  release(
    taken: readonly WaitingSend[],
    rest: { unsettled?: readonly WaitingSend[]; toLanes?: (waiting: WaitingSend) => boolean } = {},
  ): void {
    const { unsettled = [], toLanes = () => false } = rest
    const unsettledOf = Map.groupBy(unsettled, ({ send }) => send.message.conversationId)
    for (const conversationId of new Set(taken.map(({ send }) => send.message.conversationId))) {
      const line = this.#lines.get(conversationId)!
      const first = unsettledOf.get(conversationId) ?? []
      line.taken = []
      line.sends.unshift(...first)
      line.inLane ||= first.some(toLanes)
      this.#forgetStall(line)
      if (line.sends.length === 0) this.#lines.delete(conversationId)
      else if (line.inLane) {
        this.#forLanes.add(line)
        this.#watch(line)
      } else this.#forGroups.add(line)
    }
  }

  #take(write: Write, line: Line, turns: Set<Line>): void {
    line.taken = write.takeFrom(line.sends)
    if (line.taken.length === 0 && line.sends.length > 0) return
    turns.delete(line)
    if (line.taken.length > 0) return
    this.#forgetStall(line)
    this.#lines.delete(line.conversationId)
  }

  #watch(line: Line): void {
    const timer = setTimeout(() => {
      // If it was this process that got nowhere, what has arrived meanwhile is heard first.
      setImmediate(() => {
        if (line.stallTimer === timer) this.#stall(line)
      })
    }, this.#stallAfterMs)
    line.stallTimer = timer
  }

  #stall(line: Line): void {
    line.isStalled = true
    for (const waiting of [...line.taken, ...line.sends]) waiting.stall()
  }

  #forgetStall(line: Line): void {
    clearTimeout(line.stallTimer)
    line.stallTimer = undefined
    line.isStalled = false
  }
}
