import { must, type Callers, type EventRecord } from '@parley/bus'
import type { auth, Counts, media, messaging, presence, ReplyOf } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock, Logger } from '@parley/runtime'
import { decided } from '../decisions.ts'
import { isUserHeld } from '../store/holds.ts'
import { finishErasure, listSteps, noteProgress, noteRunning, noteStep, postponeJob } from '../store/jobs.ts'
import type { Db, JobRow, JobStepRow } from '../store/tables.ts'

/** Who keeps something of a user. */
export interface Erasing {
  readonly auth: Pick<Callers<typeof auth>, 'eraseUser'>
  readonly messaging: Pick<Callers<typeof messaging>, 'eraseUser'>
  readonly media: Pick<Callers<typeof media>, 'eraseUser'>
  readonly presence: Pick<Callers<typeof presence>, 'eraseUser'>
}

type Owner = keyof Erasing
type Erased = ReplyOf<(typeof messaging)['calls']['eraseUser']>

/**
 * First the user is signed out, so that nothing is added; files follow the messages that they are part of; then messaging looks once
 * more, for what was on its way when the user was signed out; and at the end their exports go, also those that began meanwhile.
 */
export const erasureOrder = [
  'auth',
  'messaging',
  'media',
  'presence',
  'messaging',
  'retention',
] as const satisfies readonly (Owner | 'retention')[]

const SECOND_LOOK = erasureOrder.lastIndexOf('messaging')

/** A request that was let in before its user was signed out has been answered by then. */
const SETTLED_MS = 10_000

/** Goes on with an erasure as far as it goes now. It may be broken off anywhere, and may be done by two at once. */
export async function runErasure(
  using: {
    db: Db
    outbox: Outbox<EventRecord>
    owners: Erasing
    endExportsOf: (userId: string) => Promise<Counts>
    clock: Clock
    log: Logger
    settledMs?: number
  },
  job: JobRow,
  signal: AbortSignal,
): Promise<void> {
  const { db, outbox, owners, clock, settledMs = SETTLED_MS } = using
  const { id: jobId, userId } = job
  const steps = await listSteps(db, jobId)
  for (const step of steps) {
    if (step.state !== 'done' && !(await finish(step))) return
  }
  const at = clock.now()
  const told = await db.transaction().execute(async (transaction) => {
    if (!(await finishErasure(transaction, jobId, at))) return undefined
    const decision = { action: 'erasure-finished' as const, actorId: null, userId }
    return writeOutbox(transaction, [decided({ ...decision, details: { erasureId: jobId }, at })])
  })
  if (told !== undefined) await outbox.send([told])

  /** Whether nothing is left there. If not, the erasure goes on later. */
  async function finish(asked: JobStepRow): Promise<boolean> {
    let step = asked
    if (step.position === SECOND_LOOK && !isSettled()) {
      await postponeJob(db, jobId, 'running')
      return false
    }
    for (;;) {
      signal.throwIfAborted()
      if (await isUserHeld(db, userId)) {
        await noteStep(db, step, { state: 'held', cursor: step.cursor, counts: {}, finishedAt: null })
        await postponeJob(db, jobId, 'held')
        return false
      }
      await noteRunning(db, jobId)
      const { counts, cursor, outcome } = await ask(step)
      const isDone = outcome === 'done'
      step = await noteStep(db, step, {
        state: isDone ? 'done' : outcome === 'waiting' ? 'waiting' : 'running',
        cursor: isDone ? null : cursor,
        counts,
        finishedAt: isDone ? clock.now() : null,
      })
      if (isDone) steps[step.position] = step
      if (outcome === 'waiting') await postponeJob(db, jobId, 'running')
      else await noteProgress(db, jobId)
      if (outcome !== 'more') return isDone
    }
  }

  async function ask({ service, cursor }: JobStepRow): Promise<Erased> {
    if (service === 'retention') return { counts: await using.endExportsOf(userId), cursor: null, outcome: 'done' }
    return must(await owners[service as Owner].eraseUser({ userId, cursor }))
  }

  function isSettled(): boolean {
    const signedOutAt = steps[0]?.finishedAt?.getTime() ?? Infinity
    return clock.now().getTime() - signedOutAt >= settledMs
  }
}
