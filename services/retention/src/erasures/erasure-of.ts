import type { Erasure } from '@parley/protocol'
import type { JobRow, JobStepRow } from '../store/tables.ts'

/** As administrators are told. */
export function erasureOf(job: JobRow, steps: readonly JobStepRow[]): Erasure {
  const { id, userId, reason, requestedBy, requestedAt, finishedAt, state } = job
  return {
    id,
    userId,
    reason: reason ?? '',
    requestedBy,
    requestedAt: requestedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    state: state as Erasure['state'],
    steps: steps.map(stepOf),
  }
}

export const stepOf = ({ service, state, counts, finishedAt }: JobStepRow) => ({
  service,
  state,
  counts,
  finishedAt: finishedAt?.toISOString() ?? null,
})
