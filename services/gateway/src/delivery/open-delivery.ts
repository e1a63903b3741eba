import type { Bus, Callers } from '@parley/bus'
import { userTopic, type messaging } from '@parley/contracts'
import type { GatewayRouting } from '@parley/routing'
import type { Logger } from '@parley/runtime'
import { BlockedUsers } from '../blocking/blocked-users.ts'
import { announceGateway, startAnnouncing } from './announce-gateway.ts'
import { startCheckingPositions } from './check-positions.ts'
import { DeliveryCounts } from './delivery-counts.ts'
import { findChangedTopics } from './changed-topics.ts'
import { hearDeliveries } from './hear-deliveries.ts'
import { LocalDelivery } from './local-delivery.ts'
import { Memberships } from './memberships.ts'
import { noticeMissed } from './missed-notices.ts'
import { ReceiptsGathering } from './receipts-gathering.ts'
import { createGapRepair } from './repair-gaps.ts'
import { createTopicReader } from './topic-reader.ts'
import { TopicStreams } from './topic-streams.ts'
import { Topics } from './topics.ts'

/** All gateways lose NATS together: they do not ask all at once what they have missed. */
const RECONNECT_JITTER_MS = 2_000

export interface DeliveryFigures {
  readonly topics: number
  readonly subscriptions: number
  /** Topics that wait for changes that are missing. */
  readonly topicsBehind: number
  readonly counts: DeliveryCounts
}

/**
 * Wires what delivers to this gateway's connections: notices come in, are put into order by topic, and go out; gaps are
 * fetched; notices that were lost on the way are missed by their numbers; and when it is not known what was lost, because a
 * sender died, or NATS or this gateway's lease was away, positions are compared.
 */
export async function openDelivery(options: {
  bus: Bus
  routing: GatewayRouting
  calls: Callers<typeof messaging>
  log: Logger
}): Promise<
  AsyncDisposable & {
    readonly delivery: LocalDelivery
    readonly blockedUsers: BlockedUsers
    readonly figures: DeliveryFigures
  }
> {
  const { bus, routing, calls, log } = options
  await using stack = new AsyncDisposableStack()
  const reader = createTopicReader(calls)
  const counts = new DeliveryCounts()
  const repair = stack.use(createGapRepair({ streams: () => streams, reader, counts, log }))
  const streams: TopicStreams = new TopicStreams({
    deliver: (change) => delivery.deliver(change),
    skip: (topic, page) => delivery.skip(topic, page),
    repairLater: (topic) => repair.begin(topic),
  })
  const topics = new Topics(streams, routing)
  const connectionsOf = (userId: string) => topics.index.connectionsOf(userTopic(userId))
  const blockedUsers = new BlockedUsers({ calls, connectionsOf, log })
  topics.onForgotten((topic) => {
    if (topic.startsWith('u:')) blockedUsers.forget(topic.slice('u:'.length))
  })
  const memberships = new Memberships({ topics, reader, blockedUsers, counts, log })
  const delivery = stack.use(new LocalDelivery({ topics, memberships, counts }))
  const receipts = stack.use(new ReceiptsGathering(topics))

  const positions = stack.use(startCheckingPositions({ topics, reader, log }))
  const changed = stack.use(findChangedTopics({ topics, reader, compareAll: () => positions.compareAll(), log }))
  const missed = stack.use(noticeMissed({ streams, receipts, calls, changed, counts, log }))
  stack.use(await hearDeliveries({ bus, routing, streams, receipts, missed, counts }))
  stack.use(startAnnouncing({ bus, announcement: () => routing.announcement, log }))
  routing.onChange(async (announcement) => {
    if (announcement.registered) positions.compareAll()
    await announceGateway(bus, announcement)
  })
  routing.onNewIdentity(() => positions.compareAll())
  bus.onReconnect((awayMs) => {
    missed.forgive()
    void changed.checkSince(performance.now() - awayMs, { withinMs: RECONNECT_JITTER_MS })
  })

  const opened = stack.move()
  const figures: DeliveryFigures = {
    counts,
    get topics() {
      return topics.index.topicCount
    },
    get subscriptions() {
      return topics.index.subscriptionCount
    },
    get topicsBehind() {
      return repair.underWay
    },
  }
  return { delivery, blockedUsers, figures, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
