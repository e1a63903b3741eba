import { refuse } from '@parley/contracts'
import { limits, type InputOf, type SetStatus, type Status } from '@parley/protocol'
import type { ChosenStatus } from '@parley/routing'

/** What somebody wants to be changed; what is not named stays. */
export interface StatusChange {
  readonly status?: ChosenStatus['status']
  readonly text?: string | null
  readonly until?: Date | null
  readonly visibleTo?: ChosenStatus['visibleTo']
}

/** `away` is no choice of the user: it is of a device. A status without an end holds until it is changed. */
export function changeOf({ status, text, until, visibleTo }: InputOf<typeof SetStatus>, now: Date): StatusChange {
  const end = until === undefined || until === null ? until : endOf(until, now)
  return {
    ...(status === undefined || status === 'away' ? {} : { status, until: null }),
    ...(text === undefined ? {} : { text }),
    ...(end === undefined ? {} : { until: end }),
    ...(visibleTo === undefined ? {} : { visibleTo }),
  }
}

function endOf(until: string, now: Date): Date {
  const end = new Date(until)
  const aheadMs = end.getTime() - now.getTime()
  if (aheadMs <= 0) throw refuse.invalid_input({}, 'The end of a status must be in the future.')
  if (aheadMs > limits.statusAheadMs) throw refuse.invalid_input({}, 'The end of a status must be within a year.')
  return end
}

/** As it holds then: what has ended is no more. */
export function statusAt({ status, text, until, visibleTo }: ChosenStatus, now: Date): Status {
  if (until !== null && until <= now) return { status: 'online', text: null, until: null, visibleTo }
  return { status, text, until: until?.toISOString() ?? null, visibleTo }
}
