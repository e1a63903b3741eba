import { must, type Callers, type EventRecord } from '@parley/bus'
import type { auth, media, messaging, presence } from '@parley/contracts'
import { writeOutbox, type Outbox } from '@parley/postgres'
import type { Clock, Logger } from '@parley/runtime'
import { decided } from '../decisions.ts'
import { isUserHeld } from '../store/holds.ts'
import { finishJob, listSteps, noteRunning, noteStep, postponeJob } from '../store/jobs.ts'
import type { Db, JobRow, JobStepRow } from '../store/tables.ts'

/** Who keeps something of a user. */
export interface Erasing {
  readonly auth: Pick<Callers<typeof auth>, 'eraseUser'>
  readonly messaging: Pick<Callers<typeof messaging>, 'eraseUser'>
  readonly media: Pick<Callers<typeof media>, 'eraseUser'>
  readonly presence: Pick<Callers<typeof presence>, 'eraseUser'>
}

type Owner = keyof Erasing

/**
 * First the user is signed out, so that nothing is added; files follow the messages that they are part of; and at the end messaging
 * looks once more, for what was on its way when the user was signed out.
 */
export const erasureOrder = ['auth', 'messaging', 'media', 'presence', 'messaging'] as const satisfies readonly Owner[]

/** A request that was let in before its user was signed out has been answered by then. */
const SETTLED_MS = 10_000

/** Goes on with an erasure as far as it goes now. It may be broken off anywhere, and may be done by two at once. */
export async function runErasure(
  using: {
    db: Db
    outbox: Outbox<EventRecord>
    owners: Erasing
    endExportsOf: (userId: string) => Promise<void>
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
  await using.endExportsOf(userId)
  const at = clock.now()
  const told = await db.transaction().execute(async (transaction) => {
    if (!(await finishJob(transaction, jobId, { state: 'done', finishedAt: at }))) return undefined
    const decision = { action: 'erasure-finished' as const, actorId: null, userId }
    return writeOutbox(transaction, [decided({ ...decision, details: { erasureId: jobId }, at })])
  })
  if (told !== undefined) await outbox.send([told])

  /** Whether nothing is left there. If not, the erasure goes on later. */
  async function finish(asked: JobStepRow): Promise<boolean> {
    let step = asked
    if (step.position === steps.length - 1 && !isSettled()) {
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
      const { eraseUser } = owners[step.service as Owner]
      const answer = must(await eraseUser({ userId, cursor: step.cursor }))
      const isDone = answer.outcome === 'done'
      step = await noteStep(db, step, {
        state: isDone ? 'done' : answer.outcome === 'waiting' ? 'waiting' : 'running',
        cursor: answer.outcome === 'more' ? answer.cursor : null,
        counts: answer.counts,
        finishedAt: isDone ? clock.now() : null,
      })
      if (isDone) steps[step.position] = step
      if (answer.outcome === 'waiting') await postponeJob(db, jobId, 'running')
      if (answer.outcome !== 'more') return isDone
    }
  }

  function isSettled(): boolean {
    const signedOutAt = steps[0]?.finishedAt?.getTime() ?? Infinity
    return clock.now().getTime() - signedOutAt >= settledMs
  }
}
