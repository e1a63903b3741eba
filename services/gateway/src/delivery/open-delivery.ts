import type { Bus, Callers } from '@parley/bus'
import type { messaging } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { announceGateway, startAnnouncing } from './announce-gateway.ts'
import { startCheckingPositions } from './check-positions.ts'
import { hearDeliveries } from './hear-deliveries.ts'
import { LocalDelivery } from './local-delivery.ts'
import { createGapRepair } from './repair-gaps.ts'
import { createTopicReader } from './topic-reader.ts'
import { TopicStreams } from './topic-streams.ts'
import { Topics } from './topics.ts'

/**
 * Wires what delivers to this gateway's connections: notices come in, are put into order by topic, and go out; gaps are
 * fetched; and whenever notices may have been missed, because NATS or this gateway's lease was away, positions are compared.
 */
export async function openDelivery(options: {
  bus: Bus
  routing: GatewayRouting
  calls: Callers<typeof messaging>
  log: Logger
}): Promise<AsyncDisposable & { readonly delivery: LocalDelivery }> {
  const { bus, routing, log } = options
  await using stack = new AsyncDisposableStack()
  const reader = createTopicReader(options.calls)
  const repair = stack.use(createGapRepair({ streams: () => streams, reader, log }))
  const streams: TopicStreams = new TopicStreams({
    deliver: (change) => delivery.deliver(change),
    repairLater: (topic) => repair.begin(topic),
  })
  const topics = new Topics(streams, routing)
  const delivery = new LocalDelivery({ topics, reader, log })

  stack.use(await hearDeliveries({ bus, routing, streams }))
  stack.use(startAnnouncing({ bus, announcement: () => routing.announcement, log }))
  const positions = stack.use(startCheckingPositions({ topics, reader, log }))
  routing.onChange(async (announcement) => {
    if (announcement.registered) positions.hurry()
    await announceGateway(bus, announcement)
  })
  routing.onNewIdentity(() => positions.hurry())
  bus.onReconnect(() => positions.hurry())

  const opened = stack.move()
  return { delivery, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
