import { must, type Callers } from '@parley/bus'
import type { Counts, messaging, ReplyOf } from '@parley/contracts'
import { withCounts } from '../domain/counts.ts'
import type { Outcome } from '../store/runs.ts'

type ExpireMessages = (typeof messaging)['calls']['expireMessages']

/** Has everything deleted that has expired, a part at a time. */
export async function expire(
  using: {
    messaging: Pick<Callers<typeof messaging>, 'expireMessages'>
    leaveDefaultToMonths: boolean
    note: (counts: Counts) => Promise<void>
  },
  signal: AbortSignal,
): Promise<Outcome> {
  const { leaveDefaultToMonths } = using
  let counts: Counts = {}
  let cursor: string | null = null
  for (;;) {
    signal.throwIfAborted()
    const answer: ReplyOf<ExpireMessages> = must(await using.messaging.expireMessages({ cursor, leaveDefaultToMonths }))
    counts = withCounts(counts, answer.counts)
    await using.note(counts)
    if (answer.outcome !== 'more') return { result: answer.outcome, counts }
    cursor = answer.cursor
  }
}
