import { setImmediate as nextTurn } from 'node:timers/promises'
import { refuse } from '@parley/contracts'
import { isUnavailable, type OutboxRow } from '@parley/postgres'
import type { Message } from '@parley/protocol'
import type { Logger } from '@parley/runtime'
import type { Change } from '../domain/change.ts'
import type { Send } from '../domain/send.ts'
import type { SendVerdict, WrittenGroup } from '../store/send-group.ts'
import type { SendOutcome, WaitingSend } from './waiting-send.ts'
import { WaitingSends } from './waiting-sends.ts'

/** Commits sends in groups. */
export interface Sending extends AsyncDisposable {
  submit(send: Send, caller: { remainingMs(): number }): SubmittedSend
  /** Sends that wait, or are being written. */
  readonly unsettled: number
}

export interface SubmittedSend {
  /** Never rejects: of a send whose outcome is not known it says `unavailable`. */
  readonly outcome: Promise<SendOutcome>
  /** Resolves when its conversation gets nowhere, held by somebody else for long; never, for most. */
  readonly stalled: Promise<void>
}

/** What is done with a group. */
export interface SendingSteps {
  sendGroup(sends: readonly Send[], through: Way): Promise<WrittenGroup>
  findMessages(ids: readonly string[]): Promise<ReadonlyMap<string, Message>>
  /** Tells of what was committed; resolves when there is room to tell more. */
  tell(row: OutboxRow<Change>): Promise<void>
}

/** The two ways to the database, with as many writes at once as each has connections of its own. */
export const ways = {
  /** Many conversations together; who is busy is skipped, and nothing else is waited for long. */
  group: { atOnce: 3, skipBusy: true, lockTimeoutMs: 200 },
  /** One conversation alone, which waits for its lock. */
  lane: { atOnce: 8, skipBusy: false, lockTimeoutMs: 2_000 },
} as const
export type Way = keyof typeof ways

/** Of one write. */
const WRITE_BOUNDS = { sends: 500, bytes: 1024 * 1024 }
const STALL_AFTER_MS = 500

/**
 * Sends that arrive while a group is being written wait together and go in the next one; when nothing is being written, they
 * go at once. A conversation that another instance holds goes to a lane of its own, so that nobody waits for it but its own
 * senders; but first it is left to the next group, since others' groups take milliseconds too. What waits is bounded by
 * `queue`: beyond it a send is refused at once.
 */
export function openSending(options: {
  steps: SendingSteps
  queue: { maxSends: number; maxBytes: number }
  log: Logger
}): Sending {
  const { steps, queue, log } = options
  const waitingSends = new WaitingSends({
    bounds: WRITE_BOUNDS,
    stallAfterMs: STALL_AFTER_MS,
    refuseExpired: (expired) => expired.settle(unavailable()),
  })
  const writes = { group: 0, lane: 0 }
  const running = new Set<Promise<void>>()
  let unsettledSends = 0
  let unsettledBytes = 0
  let scheduled = false

  function submit(send: Send, caller: { remainingMs(): number }): SubmittedSend {
    const { promise: outcome, resolve } = Promise.withResolvers<SendOutcome>()
    const { promise: stalled, resolve: stall } = Promise.withResolvers<void>()
    if (unsettledSends >= queue.maxSends || unsettledBytes + send.bytes > queue.maxBytes) {
      resolve({ refusal: refuse.overloaded({ retryAfterMs: 1_000 }).refusal })
      return { outcome, stalled }
    }
    unsettledSends += 1
    unsettledBytes += send.bytes
    waitingSends.add({
      send,
      wasBusy: false,
      isolated: false,
      isExpired: () => caller.remainingMs() <= 0,
      stall,
      settle(settled) {
        unsettledSends -= 1
        unsettledBytes -= send.bytes
        resolve(settled)
      },
    })
    schedule()
    return { outcome, stalled }
  }

  /** What arrives in the same turn of the loop goes together. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      startWrites()
    })
  }

  function startWrites(): void {
    start('group', () => waitingSends.takeGroup())
    start('lane', () => waitingSends.takeLane())
  }

  function start(through: Way, take: () => WaitingSend[]): void {
    while (writes[through] < ways[through].atOnce) {
      const taken = take()
      if (taken.length === 0) return
      writes[through] += 1
      const writing = write(taken, through).finally(() => {
        writes[through] -= 1
        running.delete(writing)
        startWrites()
      })
      running.add(writing)
    }
  }

  async function write(taken: readonly WaitingSend[], through: Way): Promise<void> {
    const written = await attempt(taken, through)
    if (written === undefined) return
    if ('verdicts' in written) {
      const duplicates = settle(taken, written.verdicts)
      const room = written.told === undefined ? undefined : steps.tell(written.told)
      if (duplicates.length > 0) await settleDuplicates(duplicates)
      await room
    } else if ('takenIds' in written) {
      // Stored meanwhile by somebody else, and seen as such from now on: those conversations go on alone, the others together.
      waitingSends.release(taken, { unsettled: taken, toLanes: ({ send }) => written.takenIds.has(send.message.id) })
    } else if (through === 'group') {
      waitingSends.release(taken, { unsettled: taken, toLanes: () => true })
    } else {
      refuseAll(taken)
    }
  }

  async function attempt(taken: readonly WaitingSend[], through: Way): Promise<WrittenGroup | undefined> {
    try {
      return await steps.sendGroup(
        taken.map(({ send }) => send),
        through,
      )
    } catch (error) {
      fail(taken, error)
      return undefined
    }
  }

  /** Returns those whose first result must be looked up. */
  function settle(taken: readonly WaitingSend[], verdicts: readonly SendVerdict[]): WaitingSend[] {
    const duplicates: WaitingSend[] = []
    const busy: WaitingSend[] = []
    taken.forEach((waiting, index) => {
      const verdict = verdicts[index]!
      if (verdict.outcome === 'busy') busy.push(waiting)
      else if (verdict.outcome === 'duplicate') duplicates.push(waiting)
      else waiting.settle(outcomeOf(verdict))
    })
    const busyAgain = new Set(busy.filter(({ wasBusy }) => wasBusy))
    for (const waiting of busy) waiting.wasBusy = true
    waitingSends.release(taken, { unsettled: busy, toLanes: (waiting) => busyAgain.has(waiting) })
    return duplicates
  }

  async function settleDuplicates(duplicates: readonly WaitingSend[]): Promise<void> {
    try {
      const stored = await steps.findMessages(duplicates.map(({ send }) => send.message.id))
      for (const waiting of duplicates) {
        const message = stored.get(waiting.send.message.id)
        waiting.settle(message === undefined ? unavailable() : { message: { ...message, duplicate: true } })
      }
    } catch (error) {
      log.warn({ error, sends: duplicates.length }, 'stored messages could not be read')
      for (const waiting of duplicates) waiting.settle(unavailable())
    }
  }

  /** What a failed write has left undone is told or tried again send by send: one bad send never fails its neighbours. */
  function fail(taken: readonly WaitingSend[], error: unknown): void {
    if (isUnavailable(error) || taken.length === 1) {
      log[isUnavailable(error) ? 'warn' : 'error']({ error, sends: taken.length }, 'sends could not be written')
      refuseAll(taken)
      return
    }
    log.error({ error, sends: taken.length }, 'a group could not be written: its sends go one by one')
    for (const waiting of taken) waiting.isolated = true
    waitingSends.release(taken, { unsettled: taken, toLanes: () => true })
  }

  function refuseAll(taken: readonly WaitingSend[]): void {
    waitingSends.release(taken)
    for (const waiting of taken) waiting.settle(unavailable())
  }

  return {
    submit,
    get unsettled() {
      return unsettledSends
    },
    async [Symbol.asyncDispose]() {
      while (unsettledSends > 0 || running.size > 0) {
        await Promise.all(running)
        await nextTurn()
      }
    },
  }
}

const unavailable = (): SendOutcome => ({ refusal: refuse.unavailable().refusal })

function outcomeOf(verdict: Exclude<SendVerdict, { outcome: 'busy' | 'duplicate' }>): SendOutcome {
  if (verdict.outcome === 'accepted') return { message: { ...verdict.message, duplicate: false } }
  if (verdict.outcome === 'message_id_out_of_range') {
    const { serverTime } = verdict
    const sentence = `The time in the message id is too far from the server's, which is ${serverTime}. The message is not stored; a new id is safe.`
    return { refusal: refuse.message_id_out_of_range({ serverTime }, sentence).refusal }
  }
  return { refusal: refuse[verdict.outcome]().refusal }
}
