import type { Export } from '@parley/protocol'
import { stepOf } from '../erasures/erasure-of.ts'
import type { JobRow, JobStepRow } from '../store/tables.ts'

/** As administrators are told. */
export function exportOf(job: JobRow, steps: readonly JobStepRow[], url: string | null): Export {
  const { id, userId, requestedBy, requestedAt, finishedAt, state, size, keptUntil } = job
  return {
    id,
    userId,
    requestedBy,
    requestedAt: requestedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    state: state as Export['state'],
    steps: steps.map(stepOf),
    size,
    url,
    keptUntil: keptUntil?.toISOString() ?? null,
  }
}
