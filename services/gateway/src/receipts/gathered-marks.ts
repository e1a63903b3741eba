import type { Answer, CallContext } from '@parley/bus'
import { Agenda } from '../agenda.ts'
import type { LocalDelivery } from '../delivery/local-delivery.ts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { dueAt, hurry, isEmpty, newHeldMark, raise, take, type HeldMark } from './held-mark.ts'
import type { GatherTimes, Mark, PassMark } from './pass-marks.ts'

/** What is delivered is often read within a second, which says both. */
const LEAST_DELIVERED_MS = 1_000
const UNKNOWN: GatherTimes = { gatherReadMs: 0, gatherDeliveredMs: LEAST_DELIVERED_MS }
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 30_000

/** What may be held; what is more is passed on at once, and waited for. */
const MAX_HELD_PER_CONNECTION = 1_000
const MAX_HELD = 100_000
/** Conversations whose gather times are remembered: those that were told last. */
const MAX_TIMES = 20_000

type Marked = Answer<Record<string, never>>

/**
 * Gathers what connections mark, so that of many marks few are kept. Marks only rise: of those of one connection in one
 * conversation the highest count, and passing one on twice does no harm. What fails is tried again; what is refused is
 * dropped. Nothing is remembered of a connection for which nothing is held.
 */
export class GatheredMarks implements AsyncDisposable {
  readonly #pass: PassMark
  readonly #delivery: Pick<LocalDelivery, 'hears'>
  /** By connection and conversation. */
  readonly #held = new Map<string, Map<string, HeldMark>>()
  #heldCount = 0
  readonly #agenda = new Agenda<HeldMark>((held) => this.#startPassing(held))
  readonly #timesOf = new Map<string, GatherTimes>()
  readonly #passing = new Set<Promise<void>>()
  #stopping = false

  constructor(options: { pass: PassMark; delivery: Pick<LocalDelivery, 'hears'> }) {
    this.#pass = options.pass
    this.#delivery = options.delivery
  }

  /** How many are held, or on their way. */
  get size(): number {
    return this.#heldCount
  }

  /**
   * What a member's connection marks is taken at once, and passed on later. Without a connection, or where it is not known
   * to be a member's, a mark is passed on at once and its answer waited for.
   */
  async receive(
    mark: Omit<Mark, 'connectionId'>,
    { connection, within }: { connection: ChatConnection | undefined; within: CallContext },
  ): Promise<Marked> {
    if (connection === undefined) return this.#passAtOnce(mark, within)
    const ofConnection = { ...mark, connectionId: connection.id }
    const held = this.#delivery.hears(connection, mark.conversationId) ? this.#hold(ofConnection) : undefined
    if (held === undefined) return this.#passAtOnce(ofConnection, within)
    raise(held, mark, performance.now())
    this.#passWhenDue(held)
    return DONE
  }

  /** Passes on at once what a connection that has ended leaves behind. */
  endConnection(connectionId: string): void {
    for (const held of this.#held.get(connectionId)?.values() ?? []) {
      hurry(held)
      this.#passWhenDue(held)
    }
  }

  /** Passes on all that is held, once, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    for (const ofConnection of this.#held.values()) {
      for (const held of ofConnection.values()) this.#passWhenDue(held)
    }
    while (this.#passing.size > 0) await Promise.all(this.#passing)
    this.#agenda[Symbol.dispose]()
  }

  async #passAtOnce(mark: Mark, within: CallContext): Promise<Marked> {
    const answer = await this.#pass(mark, within)
    if (!answer.ok) return answer
    this.#remember(mark.conversationId, answer.value)
    return DONE
  }

  /** Undefined: there is no room. */
  #hold(mark: Mark & { readonly connectionId: string }): HeldMark | undefined {
    const ofConnection = this.#held.get(mark.connectionId)
    const known = ofConnection?.get(mark.conversationId)
    if (known !== undefined) return known
    if (this.#stopping || this.#heldCount >= MAX_HELD) return undefined
    if ((ofConnection?.size ?? 0) >= MAX_HELD_PER_CONNECTION) return undefined
    const held = newHeldMark(mark)
    if (ofConnection === undefined) this.#held.set(mark.connectionId, new Map([[mark.conversationId, held]]))
    else ofConnection.set(mark.conversationId, held)
    this.#heldCount += 1
    return held
  }

  #remove(held: HeldMark): void {
    const { connectionId = '', conversationId } = held.of
    const ofConnection = this.#held.get(connectionId)
    this.#agenda.cancel(held)
    if (ofConnection?.delete(conversationId)) this.#heldCount -= 1
    if (ofConnection?.size === 0) this.#held.delete(connectionId)
  }

  #passWhenDue(held: HeldMark): void {
    if (held.isPassing) return
    if (isEmpty(held)) return this.#remove(held)
    const waitMs = dueAt(held, this.#timesOf.get(held.of.conversationId) ?? UNKNOWN) - performance.now()
    if (waitMs <= 0 || this.#stopping) this.#startPassing(held)
    else this.#agenda.schedule(held, waitMs)
  }

  #startPassing(held: HeldMark): void {
    this.#agenda.cancel(held)
    const passing = this.#passOn(held).finally(() => this.#passing.delete(passing))
    this.#passing.add(passing)
  }

  async #passOn(held: HeldMark): Promise<void> {
    const mark = take(held)
    held.isPassing = true
    const isSettled = await this.#pass(mark).then(
      (answer) => this.#settle(mark, answer),
      () => false,
    )
    held.isPassing = false
    if (isSettled) held.failures = held.pausedUntil = 0
    else if (!this.#stopping) {
      held.pausedUntil = performance.now() + Math.min(FIRST_PAUSE_MS * 2 ** held.failures, LAST_PAUSE_MS)
      held.failures += 1
      raise(held, mark, -Infinity)
    }
    this.#passWhenDue(held)
  }

  /** False: it is to be tried again. */
  #settle({ conversationId }: Mark, answer: Answer<GatherTimes>): boolean {
    if (answer.ok) this.#remember(conversationId, answer.value)
    return answer.ok || (answer.refusal.code !== 'overloaded' && answer.refusal.code !== 'unavailable')
  }

  #remember(conversationId: string, { gatherReadMs, gatherDeliveredMs }: GatherTimes): void {
    const times = { gatherReadMs, gatherDeliveredMs: Math.max(gatherDeliveredMs, LEAST_DELIVERED_MS) }
    this.#timesOf.delete(conversationId)
    this.#timesOf.set(conversationId, times)
    if (this.#timesOf.size > MAX_TIMES) this.#timesOf.delete(this.#timesOf.keys().next().value!)
  }
}

const DONE = { ok: true, value: {} } as const
