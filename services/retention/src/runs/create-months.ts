import type { Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { Clock } from '@parley/runtime'
import { countMonthsAhead } from '../domain/months-ahead.ts'
import type { Outcome } from '../store/runs.ts'

/** Makes the months that are to come, so that a message always finds its own. */
export async function createMonths(using: {
  messaging: Pick<Callers<typeof messaging>, 'createMonths'>
  clock: Clock
  monthsAhead: number
}): Promise<Outcome> {
  const answer = await using.messaging.createMonths({ ahead: using.monthsAhead })
  if (!answer.ok) return { result: 'failed', errorCode: answer.refusal.code }
  const { created, months } = answer.value
  return { result: 'done', months: created, monthsAhead: countMonthsAhead(months, using.clock.now()) }
}
