import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { markGatheringOf, markOf } from '../domain/receipts.ts'
import type { Marking } from '../receipts/open-marking.ts'

export function markReceipts({ marking }: { marking: Marking }): Handler<(typeof messaging)['calls']['markReceipts']> {
  return async ({ marks }) => {
    const outcomes = await marking.keep(marks.map(({ actor, ...mark }) => markOf({ userId: actor.userId, ...mark })))
    return {
      results: outcomes.map((outcome) =>
        outcome.outcome === 'marked' ? markGatheringOf(outcome) : { refusal: refuse.not_a_member().refusal },
      ),
    }
  }
}
