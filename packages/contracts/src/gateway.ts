import { contract, notice } from './contract.ts'

/** The only door: answers no one inside, hears what it has to tell its clients. */
export const gateway = contract({
  service: 'gateway',
  calls: {},
  events: {},
  notices: {
    /** What a gateway has to deliver: a batch of topic changes, in the encoding of `delivery-batch.ts`. Queue-less: one gateway, one subject. */
    deliver: notice({ subject: 'gateway.notice.deliver.{gatewayId}' }),
    /** Somebody types, or has stopped, in a conversation that this gateway hears. JSON of `TypingNotice`. */
    typing: notice({ subject: 'gateway.notice.typing.{gatewayId}' }),
    /** Connections that this gateway is to close for good. JSON of `ConnectionsToClose`. */
    closeConnections: notice({ subject: 'gateway.notice.close-connections.{gatewayId}' }),
    /** Every 2 s, to all senders: that this gateway lives, and whether its interest in Redis is whole. JSON of `Announcement`. */
    announced: notice({ subject: 'gateway.notice.announced' }),
  },
})
