import { flush, notify, type Bus } from '@parley/bus'
import { encodeDeliveryBatch, gateway, type DeliveryBatch } from '@parley/contracts'
import type { SenderRouting } from '@parley/routing'
import { inBatches } from './in-batches.ts'
import type { Notice, NumberedNotices } from './numbered-notices.ts'

/**
 * Tells each gateway concerned, in one batch where it fits, and resolves when NATS has taken it. What is lost after that is
 * noticed by the gateways, which miss a number.
 */
export async function notifyGateways(
  to: { bus: Bus; routing: Pick<SenderRouting, 'gatewaysOf'>; notices: NumberedNotices },
  { deliveries, receipts }: Notice,
): Promise<void> {
  const deliveriesOf = Map.groupBy(deliveries, ({ topic }) => topic)
  const receiptsOf = Map.groupBy(receipts, ({ topic }) => topic)
  const gateways = await to.routing.gatewaysOf([...new Set([...deliveriesOf.keys(), ...receiptsOf.keys()])])
  for (const [gatewayId, topics] of gateways) {
    const concerned = {
      deliveries: topics.flatMap((topic) => deliveriesOf.get(topic) ?? []),
      receipts: topics.flatMap((topic) => receiptsOf.get(topic) ?? []),
    }
    // Numbered and sent in the same turn: so they leave in the order of their numbers.
    for (const batch of inBatches(concerned)) tellGateway(to.bus, gatewayId, to.notices.number(gatewayId, batch))
  }
  await flush(to.bus)
}

/** Repeats to each gateway what the last number was. */
export async function repeatNumbers(to: {
  bus: Bus
  routing: Pick<SenderRouting, 'gateways'>
  notices: NumberedNotices
}): Promise<void> {
  for (const gatewayId of to.routing.gateways()) tellGateway(to.bus, gatewayId, to.notices.repeatLast(gatewayId))
  await flush(to.bus)
}

function tellGateway(bus: Bus, gatewayId: number, batch: DeliveryBatch): void {
  notify(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, encodeDeliveryBatch(batch))
}
