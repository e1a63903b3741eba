import { must, type Answer, type CallContext, type Callers } from '@parley/bus'
import type { messaging, RequestOf } from '@parley/contracts'
import type { SendMessage, OutputOf } from '@parley/protocol'
import { batchByTurn } from './turn-batcher.ts'

type Send = RequestOf<(typeof messaging)['calls']['sendMessages']>['sends'][number]

export interface SendBatcher {
  send(send: Send, within: CallContext): Promise<Answer<OutputOf<typeof SendMessage>>>
}

/** NATS carries 1 MB. */
const MAX_BATCH_BYTES = 512 * 1024
const MAX_SENDS = 256
/** Of a UTF-16 code unit in JSON, at most. */
const BYTES_PER_CODE_UNIT = 6
const BYTES_PER_MENTION = 40
/** With its name and type, in the answer, at most. */
const BYTES_PER_ATTACHMENT = 1_200
/** Everything else in a send and its answer, at most; and no more than the largest number of sends. */
const BYTES_PER_SEND = MAX_BATCH_BYTES / MAX_SENDS

const sizeOf = ({ text, mentions = [], attachments = [] }: Send): number =>
  BYTES_PER_SEND +
  text.length * BYTES_PER_CODE_UNIT +
  mentions.length * BYTES_PER_MENTION +
  attachments.length * BYTES_PER_ATTACHMENT

/** Sends of different connections that arrive in the same turn of the loop travel in one request. */
export function createSendBatcher(messagingCalls: Pick<Callers<typeof messaging>, 'sendMessages'>): SendBatcher {
  const batcher = batchByTurn<{ send: Send; within: CallContext }, Answer<OutputOf<typeof SendMessage>>>({
    maxSize: MAX_BATCH_BYTES,
    sizeOf: ({ send }) => sizeOf(send),
    async askAll(items) {
      // The request carries one id: with several sends it is the first one's, and the others are found by their message ids.
      const { results } = must(
        await messagingCalls.sendMessages({ sends: items.map(({ send }) => send) }, items[0]?.within),
      )
      return results.map((result) =>
        'message' in result ? { ok: true, value: result.message } : { ok: false, refusal: result.refusal },
      )
    },
  })
  return { send: (send, within) => batcher.ask({ send, within }) }
}
