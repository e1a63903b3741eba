import { together, type Mark } from '../domain/receipts.ts'
import type { MarkOutcome } from '../store/mark-receipts.ts'

/** What one user has marked in one conversation, once or several times, and not seen kept yet. */
export interface WaitingMark {
  mark: Mark
  /** When it first came, by the monotonic clock in milliseconds. */
  readonly since: number
  readonly settled: PromiseWithResolvers<MarkOutcome>
}

/** Marks that wait to be written, first come first. What a user marks again in the same conversation joins what waits. */
export class WaitingMarks {
  readonly #waiting = new Map<string, WaitingMark>()

  get size(): number {
    return this.#waiting.size
  }

  add(mark: Mark): Promise<MarkOutcome> {
    const known = this.#waiting.get(keyOf(mark))
    if (known !== undefined) {
      known.mark = together(known.mark, mark)
      return known.settled.promise
    }
    const settled: WaitingMark['settled'] = Promise.withResolvers()
    this.#waiting.set(keyOf(mark), { mark, since: performance.now(), settled })
    return settled.promise
  }

  /** One that could not be written goes to the end; what has been marked again meanwhile waits for the same. */
  addAgain(tried: WaitingMark): void {
    const newer = this.#waiting.get(keyOf(tried.mark))
    if (newer === undefined) {
      this.#waiting.set(keyOf(tried.mark), tried)
      return
    }
    newer.mark = together(newer.mark, tried.mark)
    tried.settled.resolve(newer.settled.promise)
  }

  take(atMost: number): WaitingMark[] {
    const taken = this.#waiting.values().take(atMost).toArray()
    for (const { mark } of taken) this.#waiting.delete(keyOf(mark))
    return taken
  }
}

const keyOf = ({ conversationId, userId }: Mark): string => `${conversationId} ${userId}`
