import type { Bus } from '@parley/bus'
import { decodeDeliveryBatch, gateway, type ReceiptsDelivery } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import { hearOwnNotices } from '../hear-own-notices.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import type { MissedNotices } from './missed-notices.ts'
import type { TopicStreams } from './topic-streams.ts'

/**
 * Hears what senders have for this gateway. What comes for topics that nobody here hears is dropped; so is what comes while
 * the lease has lapsed: it may be old, and positions are compared when everything has been registered again.
 */
export function hearDeliveries(options: {
  bus: Bus
  routing: GatewayRouting
  streams: TopicStreams
  receipts: { receive(delivery: ReceiptsDelivery): void }
  missed: Pick<MissedNotices, 'hear'>
  counts: Pick<DeliveryCounts, 'notices'>
}): Promise<AsyncDisposable> {
  const { bus, routing, streams, receipts, missed, counts } = options
  return hearOwnNotices({
    bus,
    routing,
    notice: gateway.notices.deliver,
    hear(data, gatewayId) {
      if (routing.lapsed) return
      const batch = decodeDeliveryBatch(data)
      counts.notices += 1
      missed.hear(gatewayId, batch)
      for (const delivery of batch.deliveries) streams.receive(delivery)
      for (const delivery of batch.receipts) receipts.receive(delivery)
    },
  })
}
