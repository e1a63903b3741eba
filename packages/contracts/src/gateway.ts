import { contract, notice } from './contract.ts'

/** The only door: answers no one inside, hears what it has to tell its clients. */
export const gateway = contract({
  service: 'gateway',
  calls: {},
  events: {},
  notices: {
    /** What a gateway has to deliver: a batch of topic changes, in the encoding of `delivery-batch.ts`. Queue-less: one gateway, one subject. */
    deliver: notice({ subject: 'gateway.notice.deliver.{gatewayId}' }),
    /** Every 2 s, to all senders: that this gateway lives, and whether its interest in Redis is whole. JSON of `Announcement`. */
    announced: notice({ subject: 'gateway.notice.announced' }),
  },
})
