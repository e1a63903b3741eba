import type { Invocation } from '../protocol/hub-message.ts'

export interface InboxOwner {
  /** Answers an invocation. Never rejects. */
  run(invocation: Invocation): Promise<void>
  inboxHasRoom(): void
}

export interface InboxLimits {
  /** How many may run or wait. */
  readonly unfinished: number
  /** How many may run. */
  readonly parallel: number
}

/**
 * The invocations of one connection: they start in the order in which they came, so many at a time. Holds nothing while
 * idle.
 */
export class Inbox {
  readonly #owner: InboxOwner
  readonly #limits: InboxLimits
  /** In the order of arrival; the first `#running` of them run, the others wait. */
  #unfinished: Invocation[] | undefined
  #running = 0
  #open = false
  #idle: PromiseWithResolvers<true> | undefined

  constructor(owner: InboxOwner, limits: InboxLimits) {
    this.#owner = owner
    this.#limits = limits
  }

  get hasRoom(): boolean {
    return this.#unfinished === undefined || this.#unfinished.length < this.#limits.unfinished
  }

  get isIdle(): boolean {
    return this.#unfinished === undefined
  }

  has(invocationId: string): boolean {
    return this.#unfinished?.some((unfinished) => unfinished.invocationId === invocationId) ?? false
  }

  add(invocation: Invocation): void {
    ;(this.#unfinished ??= []).push(invocation)
    this.#startNext()
  }

  /** Until this is called, invocations wait. */
  open(): void {
    this.#open = true
    this.#startNext()
  }

  /** Forgets the invocations that have not started. */
  dropWaiting(): void {
    if (this.#unfinished === undefined) return
    this.#unfinished.length = this.#running
    this.#settle()
  }

  /** Resolves when nothing runs and nothing waits; false if that takes longer. */
  async settled(timeoutMs: number): Promise<boolean> {
    if (this.#unfinished === undefined) return true
    this.#idle ??= Promise.withResolvers()
    const timedOut = Promise.withResolvers<false>()
    const timer = setTimeout(timedOut.resolve, timeoutMs, false)
    const settled = await Promise.race([this.#idle.promise, timedOut.promise])
    clearTimeout(timer)
    return settled
  }

  #startNext(): void {
    while (this.#open && this.#running < this.#limits.parallel) {
      const next = this.#unfinished?.[this.#running]
      if (next === undefined) return
      this.#running++
      void this.#run(next)
    }
  }

  async #run(invocation: Invocation): Promise<void> {
    await this.#owner.run(invocation)
    this.#unfinished!.splice(this.#unfinished!.indexOf(invocation), 1)
    this.#running--
    this.#startNext()
    this.#settle()
    this.#owner.inboxHasRoom()
  }

  #settle(): void {
    if (this.#unfinished === undefined || this.#unfinished.length > 0) return
    this.#unfinished = undefined
    this.#idle?.resolve(true)
    this.#idle = undefined
  }
}
