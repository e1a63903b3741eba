import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { sendOf } from '../domain/send.ts'
import type { Attaching } from '../send/attach-uploads.ts'
import type { Sending, SubmittedSend } from '../send/open-sending.ts'
import type { SendOutcome } from '../send/waiting-send.ts'

type SendMessages = Handler<(typeof messaging)['calls']['sendMessages']>
type Input = Parameters<SendMessages>[0]['sends'][number]
type Context = Parameters<SendMessages>[1]

/** So long `media` may take before its send counts as stalled. */
const STALL_AFTER_MS = 500

export function sendMessages({ sending, attaching }: { sending: Sending; attaching: Attaching }): SendMessages {
  function submit({ actor, ...input }: Input, context: Context): SubmittedSend {
    if ((input.attachments ?? []).length === 0) return sending.submit(sendOf(actor.userId, input), context)
    const { promise: stalled, resolve: stall } = Promise.withResolvers<void>()
    const stalling = setTimeout(stall, STALL_AFTER_MS)
    const outcome = attaching.withUploads(actor.userId, input, context, (send) => {
      clearTimeout(stalling)
      const submitted = sending.submit(send, context)
      void submitted.stalled.then(stall)
      return submitted.outcome
    })
    return { outcome: outcome.finally(() => clearTimeout(stalling)), stalled }
  }

  return async ({ sends }, context) => {
    const submitted = sends.map((send) => submit(send, context))
    const hasNeighbours = sends.some(({ conversationId }) => conversationId !== sends[0]?.conversationId)
    const results = submitted.map((send) => (hasNeighbours ? withoutHoldingUp(send) : send.outcome))
    return { results: withoutTooMany(await Promise.all(results)) }
  }
}

/**
 * A send whose conversation is held by somebody else, or whose uploads are waited for, may well be written later, and a retry
 * finds out; but its neighbours, who travel in the same request, need not wait for that.
 */
const withoutHoldingUp = ({ outcome, stalled }: SubmittedSend): Promise<SendOutcome> =>
  Promise.race([outcome, stalled.then(() => ({ refusal: refuse.unavailable().refusal }))])

/**
 * A duplicate may have become larger than what was asked, by an edit or by reactions. What its gateway has left room for is
 * the answers to new sends.
 */
const MAX_DUPLICATE_BYTES = 384 * 1024

/** Duplicates that do not fit into this answer are stored, and a retry gets them; their neighbours need not wait for that. */
function withoutTooMany(results: readonly SendOutcome[]): SendOutcome[] {
  let bytes = 0
  return results.map((result) => {
    if ('refusal' in result || !result.message.duplicate) return result
    const size = Buffer.byteLength(JSON.stringify(result))
    if (bytes + size > MAX_DUPLICATE_BYTES) return { refusal: refuse.unavailable().refusal }
    bytes += size
    return result
  })
}
