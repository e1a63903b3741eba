import type { Handler } from '@parley/bus'
import { refuse, type messaging } from '@parley/contracts'
import { sendOf } from '../domain/send.ts'
import type { Sending, SubmittedSend } from '../send/open-sending.ts'
import type { SendOutcome } from '../send/waiting-send.ts'

export function sendMessages(sending: Sending): Handler<(typeof messaging)['calls']['sendMessages']> {
  return async ({ sends }, context) => {
    const submitted = sends.map(({ actor, ...input }) => sending.submit(sendOf(actor.userId, input), context))
    const hasNeighbours = sends.some(({ conversationId }) => conversationId !== sends[0]?.conversationId)
    const results = submitted.map((send) => (hasNeighbours ? withoutHoldingUp(send) : send.outcome))
    return { results: await Promise.all(results) }
  }
}

/**
 * A send whose conversation is held by somebody else may well be written later, and a retry finds out; but its neighbours,
 * who travel in the same request, need not wait for that.
 */
const withoutHoldingUp = ({ outcome, stalled }: SubmittedSend): Promise<SendOutcome> =>
  Promise.race([outcome, stalled.then(() => ({ refusal: refuse.unavailable().refusal }))])
