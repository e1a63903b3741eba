import { flush, notify, type Bus } from '@parley/bus'
import { encodeDeliveries, gateway, type Delivery } from '@parley/contracts'
import type { SenderRouting } from '@parley/routing'
import { inBatches } from './in-batches.ts'

/**
 * Tells each gateway concerned, in one batch where it fits, and resolves when NATS has taken it. What is lost after that is
 * noticed by the gateways, which see the gap.
 */
export async function notifyGateways(
  bus: Bus,
  routing: Pick<SenderRouting, 'gatewaysOf'>,
  deliveries: readonly Delivery[],
): Promise<void> {
  const byTopic = Map.groupBy(deliveries, ({ topic }) => topic)
  const gateways = await routing.gatewaysOf([...byTopic.keys()])
  for (const [gatewayId, topics] of gateways) {
    const concerned = topics.flatMap((topic) => byTopic.get(topic) ?? [])
    for (const batch of inBatches(concerned)) {
      notify(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, encodeDeliveries(batch))
    }
  }
  await flush(bus)
}
