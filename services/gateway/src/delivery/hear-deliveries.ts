import { listen, type Bus } from '@parley/bus'
import { decodeDeliveryBatch, gateway, type ReceiptsDelivery } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import type { MissedNotices } from './missed-notices.ts'
import type { TopicStreams } from './topic-streams.ts'

/** Senders go on using a gateway's former id until they have heard of the new one. */
const KEEP_FORMER_ID_MS = 10_000

/**
 * Hears what senders have for this gateway, under its id and, for a while after that has changed, under the former one. What
 * comes for topics that nobody here hears is dropped; so is what comes while the lease has lapsed: it may be old, and
 * positions are compared when everything has been registered again.
 */
export async function hearDeliveries(options: {
  bus: Bus
  routing: GatewayRouting
  streams: TopicStreams
  receipts: { receive(delivery: ReceiptsDelivery): void }
  missed: Pick<MissedNotices, 'hear'>
}): Promise<AsyncDisposable> {
  const { bus, routing, streams, receipts, missed } = options
  const hearing = new Map<number, AsyncDisposable>()
  const forgetting = new Set<NodeJS.Timeout>()

  async function hear(gatewayId: number): Promise<void> {
    const subscription = await listen(bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, (data) => {
      if (routing.lapsed) return
      const batch = decodeDeliveryBatch(data)
      missed.hear(gatewayId, batch)
      for (const delivery of batch.deliveries) streams.receive(delivery)
      for (const delivery of batch.receipts) receipts.receive(delivery)
    })
    hearing.set(gatewayId, subscription)
  }

  async function forget(gatewayId: number): Promise<void> {
    const subscription = hearing.get(gatewayId)
    hearing.delete(gatewayId)
    await subscription?.[Symbol.asyncDispose]()
  }

  function forgetLater(gatewayId: number): void {
    const timer = setTimeout(() => {
      forgetting.delete(timer)
      forget(gatewayId).catch((error: unknown) => bus.log.warn({ error, gatewayId }, 'former id still heard'))
    }, KEEP_FORMER_ID_MS)
    forgetting.add(timer)
  }

  // First, so that no new id is missed.
  routing.onNewIdentity(async (gatewayId) => {
    for (const formerId of hearing.keys()) forgetLater(formerId)
    await hear(gatewayId)
  })
  await hear(routing.gatewayId)
  return {
    async [Symbol.asyncDispose]() {
      for (const timer of forgetting) clearTimeout(timer)
      for (const gatewayId of hearing.keys()) await forget(gatewayId)
    },
  }
}
