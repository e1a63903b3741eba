import { must, type Callers } from '@parley/bus'
import type { auth, Counts, media, messaging, presence } from '@parley/contracts'
import type { S3 } from '@parley/s3'
import { v7 } from 'uuid'
import { putPage } from '../store/export-objects.ts'
import { insertPages, listPages } from '../store/exports.ts'
import { noteProgress, noteRunning, noteStep } from '../store/jobs.ts'
import type { Db, ExportPageRow, JobRow, JobStepRow } from '../store/tables.ts'

/** Who keeps something of a user. */
export interface Exporting {
  readonly auth: Pick<Callers<typeof auth>, 'exportUser'>
  readonly messaging: Pick<Callers<typeof messaging>, 'exportUser'>
  readonly media: Pick<Callers<typeof media>, 'exportUser'>
  readonly presence: Pick<Callers<typeof presence>, 'exportUser'>
}

/**
 * Puts aside what one owner keeps of the user, page by page; broken off, it goes on with the page that was not noted. False when
 * the export is over.
 */
export async function gather(
  { db, s3, owners, now }: { db: Db; s3: S3; owners: Exporting; now: () => Date },
  job: JobRow,
  asked: JobStepRow,
  signal: AbortSignal,
): Promise<boolean> {
  const { service } = asked
  const { exportUser } = owners[service as keyof Exporting]
  const noted = (await listPages(db, job.id)).filter((page) => page.service === service)
  let page = Math.max(-1, ...noted.map(({ page }) => page)) + 1
  for (let step = asked; step.state !== 'done'; page += 1) {
    signal.throwIfAborted()
    if (!(await noteRunning(db, job.id))) return false
    const { records, cursor } = must(await exportUser({ userId: job.userId, cursor: step.cursor }))
    const pages: ExportPageRow[] = []
    const counts: Counts = {}
    for (const [kind, ofKind] of Map.groupBy(records, (record) => record.kind)) {
      const objectId = v7()
      const content = ofKind.map(({ data }) => data)
      await putPage(s3, { exportId: job.id, objectId }, content, signal)
      pages.push({ jobId: job.id, page, service, kind, objectId })
      counts[kind] = ofKind.length
    }
    const isLast = cursor === null
    const answered = { state: isLast ? 'done' : 'running', cursor, counts, finishedAt: isLast ? now() : null } as const
    step = await db.transaction().execute(async (transaction) => {
      await insertPages(transaction, pages)
      await noteProgress(transaction, job.id)
      return noteStep(transaction, step, answered)
    })
  }
  return true
}
