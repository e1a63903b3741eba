import { must, type Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import { expiredMonthsEnd } from '../domain/expired-months.ts'
import type { Outcome } from '../store/runs.ts'

/** Drops the months in which everything has expired. A month that somebody reads in is left for the next run. */
export async function dropMonths(using: {
  messaging: Pick<Callers<typeof messaging>, 'dropMonths'>
  clock: Clock
  retentionDays: number
}): Promise<Outcome> {
  const endedBefore = expiredMonthsEnd(using.clock.now(), using.retentionDays).toISOString()
  const { dropped, busy } = must(await using.messaging.dropMonths({ endedBefore }))
  return { result: busy.length === 0 ? 'done' : 'busy', months: dropped }
}
