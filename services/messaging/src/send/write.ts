import type { WaitingSend } from './waiting-send.ts'

export interface WriteBounds {
  readonly sends: number
  readonly bytes: number
}

/** One write being put together: a group, or what one conversation alone has waiting. */
export class Write {
  readonly taken: WaitingSend[] = []
  isFull = false
  readonly #bounds: WriteBounds
  readonly #refuseExpired: (expired: WaitingSend) => void
  readonly #ids = new Set<string>()
  #bytes = 0

  constructor(bounds: WriteBounds, refuseExpired: (expired: WaitingSend) => void) {
    this.#bounds = bounds
    this.#refuseExpired = refuseExpired
  }

  /** Takes sends from the front of a line as long as they fit, and returns them. */
  takeFrom(sends: WaitingSend[]): WaitingSend[] {
    const had = this.taken.length
    let count = 0
    for (const waiting of sends) {
      if (waiting.isExpired()) this.#refuseExpired(waiting)
      else if (this.#fits(waiting)) this.#add(waiting)
      else break
      count += 1
    }
    sends.splice(0, count)
    return this.taken.slice(had)
  }

  #fits({ send, isolated }: WaitingSend): boolean {
    if (this.taken.length === 0) return true
    // What became of the send before must be known first: this one is a retry of it, or replies to it.
    const { id, replyTo } = send.message
    if (this.#ids.has(id) || (replyTo !== null && this.#ids.has(replyTo))) return false
    this.isFull ||= this.taken.length >= this.#bounds.sends || this.#bytes + send.bytes > this.#bounds.bytes
    return !this.isFull && !isolated
  }

  #add(waiting: WaitingSend): void {
    this.taken.push(waiting)
    this.#ids.add(waiting.send.message.id)
    this.#bytes += waiting.send.bytes
    this.isFull ||= waiting.isolated
  }
}
