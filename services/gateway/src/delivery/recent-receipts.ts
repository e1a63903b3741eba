import type { Receipt } from '@parley/protocol'
import { Agenda } from '../agenda.ts'

/** By conversation as a topic is told of it, and user. */
type Receipts = Map<string, Map<string, Receipt>>

/** For at least so long: what is told more than once is told again within seconds. */
const REMEMBERED_MS = 30_000

/**
 * What was told last, so that nothing that is told again late goes back: a sender that was not sure, or one that takes over
 * from another, tells once more what has been overtaken since. Nothing is remembered of what has been quiet for a minute.
 */
export class RecentReceipts implements Disposable {
  #newer: Receipts = new Map()
  #older: Receipts = new Map()
  readonly #agenda = new Agenda<'age'>(() => this.#age())

  /** Those that raise what was told, with the highest of both. */
  rising(topic: string, conversationId: string, receipts: readonly Receipt[]): Receipt[] {
    const key = `${topic} ${conversationId}`
    const [newer, older] = [this.#newer.get(key) ?? new Map<string, Receipt>(), this.#older.get(key)]
    const rising = receipts.flatMap((receipt) => {
      const told = newer.get(receipt.userId) ?? older?.get(receipt.userId)
      const highest = highestOf(receipt, told)
      newer.set(receipt.userId, highest)
      const isRising =
        told === undefined ||
        highest.deliveredSequence > told.deliveredSequence ||
        highest.readSequence > told.readSequence
      return isRising ? [highest] : []
    })
    this.#newer.set(key, newer)
    if (this.#agenda.size === 0) this.#agenda.schedule('age', REMEMBERED_MS)
    return rising
  }

  [Symbol.dispose](): void {
    this.#agenda[Symbol.dispose]()
    this.#newer = this.#older = new Map()
  }

  #age(): void {
    this.#older = this.#newer
    this.#newer = new Map()
    if (this.#older.size > 0) this.#agenda.schedule('age', REMEMBERED_MS)
  }
}

export const highestOf = (one: Receipt, other: Receipt = one): Receipt => ({
  userId: one.userId,
  deliveredSequence: Math.max(one.deliveredSequence, other.deliveredSequence),
  readSequence: Math.max(one.readSequence, other.readSequence),
})
