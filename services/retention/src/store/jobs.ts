import type { Counts } from '@parley/contracts'
import { sql } from 'kysely'
import { withCounts } from '../domain/counts.ts'
import type { Db, JobKind, JobRow, JobStepRow } from './tables.ts'

/** With its steps, one for each of the services in their order. Undefined when there is one under way. */
export async function insertJob(
  db: Db,
  job: Pick<JobRow, 'id' | 'kind' | 'userId' | 'requestedBy' | 'requestedAt' | 'reason'>,
  services: readonly string[],
): Promise<JobRow | undefined> {
  const inserted = await db
    .insertInto('jobs')
    .values({ ...job, finishedAt: null, size: null, keptUntil: null, zipId: null })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (inserted === undefined) return undefined
  const steps = services.map((service, position) => ({
    jobId: job.id,
    position,
    service,
    cursor: null,
    finishedAt: null,
  }))
  await db.insertInto('jobSteps').values(steps).execute()
  return inserted
}

/** The last one of a user. */
export async function findJob(db: Db, kind: JobKind, userId: string): Promise<JobRow | undefined> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('kind', '=', kind)
    .where('userId', '=', userId)
    .orderBy('requestedAt', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function listSteps(db: Db, jobId: string): Promise<JobStepRow[]> {
  return db.selectFrom('jobSteps').selectAll().where('jobId', '=', jobId).orderBy('position').execute()
}

/** Those that are to go on now, the longest due first, but these. */
export async function listDueJobs(
  db: Db,
  kind: JobKind,
  { limit, but }: { limit: number; but: readonly string[] },
): Promise<JobRow[]> {
  return db
    .selectFrom('jobs')
    .selectAll()
    .where('kind', '=', kind)
    .where('state', 'in', ['pending', 'running', 'held'])
    .where('dueAt', '<=', sql<Date>`clock_timestamp()`)
    .$if(but.length > 0, (query) => query.where('id', 'not in', [...but]))
    .orderBy('dueAt')
    .limit(limit)
    .execute()
}

/** Somebody else has gone on with the step meanwhile. */
export class StepTaken extends Error {
  override readonly name = 'StepTaken'
}

/** What an answer has brought: together with the place from which to go on, so that neither is without the other. */
export async function noteStep(
  db: Db,
  step: JobStepRow,
  answered: { state: JobStepRow['state']; cursor: string | null; counts: Counts; finishedAt: Date | null },
): Promise<JobStepRow> {
  const { state, cursor, finishedAt } = answered
  const counts = withCounts(step.counts, answered.counts)
  const { numUpdatedRows } = await db
    .updateTable('jobSteps')
    .set({ state, cursor, finishedAt, counts: JSON.stringify(counts) })
    .where('jobId', '=', step.jobId)
    .where('position', '=', step.position)
    .where('cursor', 'is not distinct from', step.cursor)
    .where('state', '<>', 'done')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new StepTaken(`${step.service} of ${step.jobId}`)
  return { ...step, state, cursor, finishedAt, counts }
}

/** It goes on. False when it is over. */
export async function noteRunning(db: Db, jobId: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ state: 'running' })
    .where('id', '=', jobId)
    .where('state', 'in', ['pending', 'running', 'held'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** It has come further: when it has to wait again, that is for the first time. */
export async function noteProgress(db: Db, jobId: string): Promise<void> {
  await db.updateTable('jobs').set({ waits: 0 }).where('id', '=', jobId).where('waits', '>', 0).execute()
}

const SOONEST_MS = 1_000
const LATEST_MS = 60_000

/** It goes on later: the later the more often it had to wait. */
export async function postponeJob(db: Db, jobId: string, state: 'running' | 'held'): Promise<void> {
  await db
    .updateTable('jobs')
    .set({
      state,
      waits: sql<number>`waits + 1`,
      dueAt: sql<Date>`
        clock_timestamp() + least(${SOONEST_MS} * power(2, least(waits, 10)), ${LATEST_MS}) * interval '1 ms'`,
    })
    .where('id', '=', jobId)
    .where('state', 'in', ['pending', 'running', 'held'])
    .execute()
}

/** What kept it from going on is over. */
export async function hurryJobsOf(db: Db, userId: string): Promise<void> {
  await db
    .updateTable('jobs')
    .set({ dueAt: sql<Date>`clock_timestamp()`, waits: 0 })
    .where('userId', '=', userId)
    .where('state', '=', 'held')
    .execute()
}

/** False when it is done already. */
export async function finishErasure(db: Db, jobId: string, finishedAt: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ state: 'done', finishedAt })
    .where('id', '=', jobId)
    .where('state', 'in', ['pending', 'running', 'held'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Users whose erasure is done, by id, after one. */
export async function listErasedUserIds(db: Db, page: { after: string | undefined; limit: number }): Promise<string[]> {
  const rows = await db
    .selectFrom('jobs')
    .select('userId')
    .where('kind', '=', 'erasure')
    .where('state', '=', 'done')
    .$if(page.after !== undefined, (query) => query.where('userId', '>', page.after!))
    .orderBy('userId')
    .limit(page.limit)
    .execute()
  return rows.map(({ userId }) => userId)
}
