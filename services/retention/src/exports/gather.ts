import { must, type Callers } from '@parley/bus'
import type { auth, Counts, media, messaging, presence } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { putGathered } from '../store/export-objects.ts'
import { noteRunning, noteStep } from '../store/jobs.ts'
import type { Db, JobRow, JobStepRow } from '../store/tables.ts'

/** Who keeps something of a user. */
export interface Exporting {
  readonly auth: Pick<Callers<typeof auth>, 'exportUser'>
  readonly messaging: Pick<Callers<typeof messaging>, 'exportUser'>
  readonly media: Pick<Callers<typeof media>, 'exportUser'>
  readonly presence: Pick<Callers<typeof presence>, 'exportUser'>
}

/** Puts aside what one owner keeps of the user, page by page; broken off, it goes on with the page that was not noted. */
export async function gather(
  { db, s3, owners, now }: { db: Db; s3: S3; owners: Exporting; now: () => Date },
  job: JobRow,
  asked: JobStepRow,
  signal: AbortSignal,
): Promise<void> {
  const { exportUser } = owners[asked.service as keyof Exporting]
  let step = asked
  do {
    signal.throwIfAborted()
    await noteRunning(db, job.id)
    const page = must(await exportUser({ userId: job.userId, cursor: step.cursor }))
    const number = step.counts['pages'] ?? 0
    const byKind = Map.groupBy(page.records, ({ kind }) => kind)
    const counts: Counts = { pages: 1 }
    for (const [kind, records] of byKind) {
      const gathered = { service: step.service, kind, page: number }
      await putGathered(
        s3,
        job.id,
        gathered,
        records.map(({ data }) => data),
      )
      counts[kind] = records.length
    }
    const isLast = page.cursor === null
    step = await noteStep(db, step, {
      state: isLast ? 'done' : 'running',
      cursor: page.cursor,
      counts,
      finishedAt: isLast ? now() : null,
    })
  } while (step.state !== 'done')
}
