import { setTimeout as sleep } from 'node:timers/promises'
import { refuse } from '@parley/contracts'
import type { OutboxRow } from '@parley/postgres'
import type { Change } from '../domain/change.ts'
import type { Mark } from '../domain/receipts.ts'
import type { MarkOutcome, MarkVerdict, WrittenMarks } from '../store/mark-receipts.ts'
import { WaitingMarks, type WaitingMark } from './waiting-marks.ts'

/** Keeps marks, many in one write. */
export interface Marking extends AsyncDisposable {
  /**
   * What became of each, in the order given, when all are kept. Refuses as `overloaded` when too many wait, and as
   * `unavailable` when one of them is held up, while the others are kept; throws what the database throws. Marks may be
   * given again without harm.
   */
  keep(marks: readonly Mark[]): Promise<MarkOutcome[]>
}

export interface MarkingSteps {
  markReceipts(marks: readonly Mark[]): Promise<WrittenMarks>
  /** Tells of what was committed; not waited for. */
  tell(row: OutboxRow<Change>): void
}

/** Each has a connection of its own. */
export const WRITES_AT_ONCE = 2
/** Some 10 ms of work, while which sends of these users wait. */
const MARKS_PER_WRITE = 200
const MAX_WAITING = 20_000
/** Whose row somebody else holds, mostly for some milliseconds, is tried again after so long, and given up in the end. */
const BUSY_RETRY_MS = 20
const BUSY_GIVE_UP_MS = 1_000

/** Marks that arrive while all writes are under way wait together and go in the next one; else they go at once. */
export function openMarking(steps: MarkingSteps, { maxWaiting = MAX_WAITING } = {}): Marking {
  const waitingMarks = new WaitingMarks()
  const running = new Set<Promise<void>>()
  let writes = 0
  let scheduled = false

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
    while (writes < WRITES_AT_ONCE && waitingMarks.size > 0) {
      const taken = waitingMarks.take(MARKS_PER_WRITE)
      writes += 1
      run(
        write(taken).finally(() => {
          writes -= 1
          startWrites()
        }),
      )
    }
  }

  function run(work: Promise<void>): void {
    const done = work.finally(() => running.delete(done))
    running.add(done)
  }

  async function write(taken: readonly WaitingMark[]): Promise<void> {
    try {
      const { verdicts, told } = await steps.markReceipts(taken.map(({ mark }) => mark))
      if (told !== undefined) steps.tell(told)
      settle(taken, verdicts)
    } catch (error) {
      for (const { settled } of taken) settled.reject(error)
    }
  }

  function settle(taken: readonly WaitingMark[], verdicts: readonly MarkVerdict[]): void {
    const busy: WaitingMark[] = []
    taken.forEach((waiting, index) => {
      const verdict = verdicts[index]!
      if (verdict.outcome !== 'busy') waiting.settled.resolve(verdict)
      else if (performance.now() - waiting.since < BUSY_GIVE_UP_MS) busy.push(waiting)
      else waiting.settled.reject(refuse.unavailable())
    })
    if (busy.length > 0) run(tryAgain(busy))
  }

  async function tryAgain(busy: readonly WaitingMark[]): Promise<void> {
    await sleep(BUSY_RETRY_MS)
    for (const waiting of busy) waitingMarks.addAgain(waiting)
    startWrites()
  }

  return {
    async keep(marks) {
      if (waitingMarks.size + marks.length > maxWaiting) throw refuse.overloaded({ retryAfterMs: 1_000 })
      const outcomes = marks.map((mark) => waitingMarks.add(mark))
      schedule()
      return Promise.all(outcomes)
    },
    async [Symbol.asyncDispose]() {
      startWrites()
      while (running.size > 0) await Promise.all(running)
    },
  }
}
