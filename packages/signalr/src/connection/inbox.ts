import { MessageType, type Invocation, type StreamInvocation } from '../protocol/hub-message.ts'
import { Call } from './call.ts'
import { OpenStreams, type OpenStreamsOwner, type StreamLimits } from './open-streams.ts'

export interface InboxOwner extends OpenStreamsOwner {
  /** Answers a call. Never rejects. */
  run(call: Call): Promise<void>
  inboxHasRoom(): void
}

export interface InboxLimits extends StreamLimits {
  /** How many may wait, or run in their turn. */
  readonly unfinished: number
  /** How many may run in their turn. */
  readonly parallel: number
}

const NO_UPLOADS: readonly never[] = []

/**
 * The calls of one connection: they start in the order in which they came, so many at a time. One with streams leaves
 * its turn to the next as soon as it has begun. Holds nothing while idle.
 */
export class Inbox {
  readonly #owner: InboxOwner
  readonly #limits: InboxLimits
  /** In the order of arrival; the first `#running` of them run, the others wait. */
  #inTurn: Call[] | undefined
  #running = 0
  #inTurnBytes = 0
  /** These have left their turn, and run. */
  #beside: Set<Call> | undefined
  #streams: OpenStreams | undefined
  #open = false
  #progress: PromiseWithResolvers<true> | undefined

  constructor(owner: InboxOwner, limits: InboxLimits) {
    this.#owner = owner
    this.#limits = limits
  }

  get hasRoom(): boolean {
    const { unfinished, unfinishedBytes } = this.#limits
    return this.#inTurn === undefined || (this.#inTurn.length < unfinished && this.#inTurnBytes < unfinishedBytes)
  }

  /** Nothing waits for its turn or runs in it. */
  get isIdle(): boolean {
    return this.#inTurn === undefined
  }

  /** Undefined while there are none. */
  get streams(): OpenStreams | undefined {
    return this.#streams
  }

  /** What was not answered yet. */
  find(invocationId: string): Call | undefined {
    const isIt = (call: Call) => call.message.invocationId === invocationId && !call.isAnswered
    return this.#inTurn?.find(isIt) ?? this.#beside?.values().find(isIt)
  }

  /** Takes an invocation in, or answers why not. */
  receive(message: Invocation | StreamInvocation, weight: number): string | undefined {
    const { type, invocationId, streamIds } = message
    if (invocationId !== undefined && this.find(invocationId) !== undefined) {
      return `Invocation ID '${invocationId}' is already in use.`
    }
    const isPlain = type === MessageType.invocation && (streamIds === undefined || streamIds.length === 0)
    const call = isPlain ? new Call(message, weight, NO_UPLOADS) : this.#openStreams(message, weight)
    if (typeof call === 'string') return call
    ;(this.#inTurn ??= []).push(call)
    this.#inTurnBytes += weight
    this.#startNext()
    return undefined
  }

  /** Until this is called, calls wait. */
  open(): void {
    this.#open = true
    this.#startNext()
  }

  /** Its method has begun. If it has streams, the next need not wait for its end. */
  begun(call: Call): void {
    if (!call.hasStreams || this.#beside?.has(call) === true) return
    ;(this.#beside ??= new Set()).add(call)
    this.#leaveTurn(call)
  }

  /** Tells those that run that nobody waits for them, and forgets those that have not started, except to `keep` them. */
  end(reason: Error, keep: (call: Call) => boolean = () => false): void {
    const running = [...(this.#inTurn?.slice(0, this.#running) ?? []), ...(this.#beside ?? [])]
    const waiting = this.#inTurn?.splice(this.#running) ?? []
    for (const call of waiting) {
      if (keep(call)) this.#inTurn!.push(call)
      else this.#forget(call)
    }
    this.#settle()
    for (const call of running) call.abort(reason)
  }

  #forget(call: Call): void {
    this.#closeStreams(call)
    this.#inTurnBytes -= call.weight
  }

  /** Resolves when nothing waits for its turn or runs in it; false if that takes longer. */
  turnsSettled(timeoutMs: number): Promise<boolean> {
    return this.#comesTo(() => this.isIdle, timeoutMs)
  }

  /** Resolves when nothing runs or waits at all; false if that takes longer. */
  settled(timeoutMs: number): Promise<boolean> {
    return this.#comesTo(() => this.isIdle && this.#beside === undefined, timeoutMs)
  }

  async #comesTo(isReached: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isReached()) return true
    const timedOut = Promise.withResolvers<false>()
    const timer = setTimeout(timedOut.resolve, timeoutMs, false)
    do {
      this.#progress ??= Promise.withResolvers()
    } while ((await Promise.race([this.#progress.promise, timedOut.promise])) && !isReached())
    clearTimeout(timer)
    return isReached()
  }

  #openStreams(message: Invocation | StreamInvocation, weight: number): Call | string {
    this.#streams ??= new OpenStreams(this.#owner, this.#limits)
    const call = this.#streams.open(message, weight)
    if (this.#streams.isEmpty) this.#streams = undefined
    return call
  }

  #closeStreams(call: Call): void {
    if (!call.hasStreams) return
    this.#streams!.close(call)
    if (this.#streams!.isEmpty) this.#streams = undefined
  }

  #startNext(): void {
    while (this.#open && this.#running < this.#limits.parallel) {
      const next = this.#inTurn?.[this.#running]
      if (next === undefined) return
      this.#running++
      void this.#run(next)
    }
  }

  async #run(call: Call): Promise<void> {
    await this.#owner.run(call)
    this.#closeStreams(call)
    if (this.#beside?.delete(call)) this.#settle()
    else this.#leaveTurn(call)
  }

  #leaveTurn(call: Call): void {
    this.#inTurn!.splice(this.#inTurn!.indexOf(call), 1)
    this.#inTurnBytes -= call.weight
    this.#running--
    this.#startNext()
    this.#settle()
    this.#owner.inboxHasRoom()
  }

  /** Gives back what is empty. */
  #settle(): void {
    if (this.#inTurn?.length === 0) this.#inTurn = undefined
    if (this.#beside?.size === 0) this.#beside = undefined
    this.#progress?.resolve(true)
    this.#progress = undefined
  }
}
