import type { Answer, CallContext, Callers } from '@parley/bus'
import type { messaging, ReplyOf, RequestOf } from '@parley/contracts'
import type { Logger } from '@parley/runtime'
import { batchByTurn } from '../turn-batcher.ts'

type MarkReceipts = (typeof messaging)['calls']['markReceipts']

/** How far a user has got in a conversation; 0 for what is not said. */
export type Mark = RequestOf<MarkReceipts>['marks'][number]

/** How long the next marks in the same conversation may be gathered. */
export type GatherTimes = Exclude<ReplyOf<MarkReceipts>['results'][number], { refusal: unknown }>

/** Passes a mark on; it is kept when the answer comes. Throws a `BusError` when it is not known to be. */
export type PassMark = (mark: Mark, within?: CallContext) => Promise<Answer<GatherTimes>>

/** NATS carries 1 MB. */
const MAX_BATCH_BYTES = 512 * 1024
const MAX_MARKS = 1_000
/** Of a mark's ids, numbers and names in JSON, at most, and without the scopes of its user. */
const BYTES_PER_MARK = 400
/** Of a UTF-16 code unit in JSON, at most. */
const BYTES_PER_CODE_UNIT = 6

const sizeOf = ({ actor }: Mark): number =>
  actor.scopes.reduce((bytes, scope) => bytes + 3 + scope.length * BYTES_PER_CODE_UNIT, BYTES_PER_MARK)

/** Marks that are to be passed on in the same turn of the loop travel in one request. */
export function createPassMark(calls: Pick<Callers<typeof messaging>, 'markReceipts'>, log: Logger): PassMark {
  const batcher = batchByTurn<{ mark: Mark; within: CallContext | undefined }, Answer<GatherTimes>>({
    maxSize: MAX_BATCH_BYTES,
    sizeOf: ({ mark }) => Math.max(sizeOf(mark), MAX_BATCH_BYTES / MAX_MARKS),
    async askAll(items) {
      try {
        // The request carries one id: with several marks it is the first one's.
        const answer = await calls.markReceipts({ marks: items.map(({ mark }) => mark) }, items[0]?.within)
        if (answer.ok) return answer.value.results.map(answerOf)
        log.warn({ refusal: answer.refusal.code, marks: items.length }, 'marks not kept')
        return items.map(() => answer)
      } catch (error) {
        log.warn({ error, marks: items.length }, 'marks not known to be kept')
        throw error
      }
    },
  })
  return (mark, within) => batcher.ask({ mark, within })
}

const answerOf = (result: ReplyOf<MarkReceipts>['results'][number]): Answer<GatherTimes> =>
  'refusal' in result ? { ok: false, refusal: result.refusal } : { ok: true, value: result }
