import { repeat, type Logger, type Repeating } from '@parley/runtime'
import { findUploads } from '../store/checks.ts'
import type { Db, UploadRow } from '../store/tables.ts'

type Waiter = (upload: UploadRow | undefined) => void

/** Those checked elsewhere are looked up so often, all in one query. */
const LOOK_EVERY_MS = 500

/** Who waits for the verdict on which upload. */
export class WaitingForVerdicts implements AsyncDisposable {
  readonly #waiters = new Map<string, Set<Waiter>>()
  readonly #looking: Repeating

  constructor(db: Db, log: Logger) {
    this.#looking = repeat('verdicts', { everyMs: LOOK_EVERY_MS, log }, async () => {
      if (this.#waiters.size === 0) return
      for (const upload of await findUploads(db, [...this.#waiters.keys()])) this.settled(upload)
    })
  }

  /** Tells who waits, unless it is still being checked. */
  settled(upload: UploadRow): void {
    if (upload.state === 'checking') return
    for (const waiter of this.#waiters.get(upload.id) ?? []) waiter(upload)
  }

  async verdictOf(id: string, withinMs: number): Promise<UploadRow | undefined> {
    const { promise, resolve } = Promise.withResolvers<UploadRow | undefined>()
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters.add(resolve))
    const timer = setTimeout(resolve, withinMs, undefined)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      waiters.delete(resolve)
      if (waiters.size === 0) this.#waiters.delete(id)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter(undefined)
    await this.#looking[Symbol.asyncDispose]()
  }
}
