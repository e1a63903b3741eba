import type { PresenceNotice } from '@parley/contracts'

/** A sender says something every second. One that was silent for so long has ended, or what it said was lost. */
const SILENT_MS = 5_000

interface Heard {
  readonly number: number
  readonly whole: boolean
  readonly atMs: number
}

/** Who tells of presence, and whether something of it may have been missed. */
export class PresenceSenders {
  readonly #heard = new Map<string, Heard>()

  /** False when something may have changed that was not heard: states must be read again. */
  hear({ senderId, number, whole, changes }: PresenceNotice): boolean {
    const atMs = performance.now()
    for (const [id, heard] of this.#heard) if (atMs - heard.atMs > SILENT_MS) this.#heard.delete(id)
    const before = this.#heard.get(senderId)
    this.#heard.set(senderId, { number: Math.max(number, before?.number ?? 0), whole, atMs })
    const isNext = number <= (before?.number ?? 0) + (changes.length > 0 ? 1 : 0)
    const isWholeAgain = whole && before?.whole !== true
    return isNext && !isWholeAgain
  }
}
