import { must, type Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Outcome } from '../store/runs.ts'

/** Drops the months in which nothing is kept. A month that somebody reads in is left for the next run. */
export async function dropMonths(using: {
  messaging: Pick<Callers<typeof messaging>, 'dropMonths'>
}): Promise<Outcome> {
  const { dropped, busy, kept } = must(await using.messaging.dropMonths({}))
  return {
    result: busy.length === 0 ? 'done' : 'busy',
    months: dropped,
    counts: { 'months.dropped': dropped.length, 'months.busy': busy.length, 'months.kept': kept.length },
  }
}
