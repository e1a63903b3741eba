import { limits, refusals, WatchPresence, type PresenceState } from '@parley/protocol'
import { Backoff } from './backoff.ts'
import { isDefinite } from './is-definite.ts'
import { pause } from './pause.ts'
import { RefusedError } from './refused-error.ts'

interface Parts {
  watch(userIds: string[]): Promise<readonly PresenceState[]>
  unwatch(userIds: string[]): Promise<unknown>
  keep(states: readonly PresenceState[]): void
  forget(userIds: readonly string[]): void
}

interface Waiting extends PromiseWithResolvers<void> {
  readonly userIds: readonly string[]
}

/** Whose presence the user watches: asked anew on each connection. */
export class PresenceWatch {
  readonly #parts: Parts
  readonly #watched = new Set<string>()
  /** What this connection has not been told yet. */
  #unasked = new Set<string>()
  #ending = new Set<string>()
  readonly #waiting = new Set<Waiting>()
  /** Told while they were asked: that is newer than the answer. */
  readonly #toldMeanwhile = new Set<string>()
  #visit: AbortSignal | undefined
  #isRunning = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Resolves when they are known; rejects when the server will not have it. */
  async watch(userIds: readonly string[]): Promise<void> {
    const named = [...new Set(userIds)]
    if (named.length === 0) return
    if (this.#watched.union(new Set(named)).size > limits.watchedUsers) {
      throw new RefusedError('too_many_watched', refusals.too_many_watched.sentence)
    }
    const checked = WatchPresence.input.safeParse({ userIds: named })
    if (!checked.success) throw new RefusedError('invalid_input', checked.error.message)
    for (const userId of named) {
      this.#ending.delete(userId)
      if (this.#watched.has(userId)) continue
      this.#watched.add(userId)
      this.#unasked.add(userId)
    }
    const waiting = { ...Promise.withResolvers<void>(), userIds: named }
    this.#waiting.add(waiting)
    this.#settle()
    this.#run()
    return waiting.promise
  }

  unwatch(userIds: readonly string[]): void {
    const ended = userIds.filter((userId) => this.#watched.delete(userId))
    for (const userId of ended) {
      if (!this.#unasked.delete(userId)) this.#ending.add(userId)
    }
    this.#parts.forget(ended)
    this.#settle()
    this.#run()
  }

  /** Of what is told, what is still watched. */
  told(states: readonly PresenceState[]): PresenceState[] {
    const watched = states.filter(({ userId }) => this.#watched.has(userId))
    for (const { userId } of watched) this.#toldMeanwhile.add(userId)
    return watched
  }

  begin(visit: AbortSignal): void {
    this.#visit = visit
    this.#unasked = new Set(this.#watched)
    this.#ending = new Set()
    this.#run()
  }

  close(error: Error): void {
    this.#visit = undefined
    for (const { reject } of this.#waiting) reject(error)
    this.#waiting.clear()
  }

  #run(): void {
    const visit = this.#visit
    if (visit === undefined || visit.aborted || this.#isRunning || !this.#isWanting()) return
    this.#isRunning = true
    void this.#work(visit).finally(() => {
      this.#isRunning = false
      // More was wanted in this very moment, or another connection has begun.
      this.#run()
    })
  }

  #isWanting(): boolean {
    return this.#ending.size + this.#unasked.size > 0
  }

  async #work(visit: AbortSignal): Promise<void> {
    const backoff = new Backoff()
    while (!visit.aborted && this.#isWanting()) {
      try {
        // First, for there is a limit to those that are watched.
        if (this.#ending.size > 0) await this.#end([...this.#ending], visit)
        else await this.#ask([...this.#unasked], visit)
        backoff.forget()
      } catch {
        // The connection has ended, or the server is busy: it is asked again.
        await pause(backoff.nextMs(), visit)
      }
    }
  }

  async #end(userIds: string[], visit: AbortSignal): Promise<void> {
    await this.#parts.unwatch(userIds)
    if (visit.aborted) return
    for (const userId of userIds) this.#ending.delete(userId)
  }

  async #ask(userIds: string[], visit: AbortSignal): Promise<void> {
    this.#toldMeanwhile.clear()
    try {
      const states = await this.#parts.watch(userIds)
      if (visit.aborted) return
      this.#parts.keep(states.filter(({ userId }) => this.#watched.has(userId) && !this.#toldMeanwhile.has(userId)))
    } catch (error) {
      if (visit.aborted || !isDefinite(error)) throw error
      this.#refuse(userIds, error)
    }
    for (const userId of userIds) {
      // One that was given up while it was asked is watched by the server now.
      if (!this.#unasked.delete(userId) && !this.#watched.has(userId)) this.#ending.add(userId)
    }
    this.#settle()
  }

  #refuse(userIds: readonly string[], error: RefusedError): void {
    for (const userId of userIds) this.#watched.delete(userId)
    for (const waiting of this.#waiting) {
      if (!waiting.userIds.some((userId) => userIds.includes(userId))) continue
      this.#waiting.delete(waiting)
      waiting.reject(error)
    }
  }

  #settle(): void {
    for (const waiting of this.#waiting) {
      if (waiting.userIds.some((userId) => this.#unasked.has(userId))) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }
}
