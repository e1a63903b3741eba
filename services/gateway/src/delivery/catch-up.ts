import type { Delivery } from '@parley/contracts'
import type { ChatConnection } from '../hub/chat-connection.ts'
import type { DeliveryCounts } from './delivery-counts.ts'
import { syncRequired } from './sync-required.ts'
import type { ChangePage, TopicReader } from './topic-reader.ts'
import type { Topics } from './topics.ts'

/** What of a topic a connection is to be given. */
export interface Missed {
  /** It has everything up to this version; moves on with what it is given, so that a second attempt goes on there. */
  after: number
  /** The topic is known to be at this version. */
  atLeast?: number
  /** Nothing after this version is its user's own. */
  readonly until?: number
  /** Nothing about a message before this one is its user's own. */
  readonly visibleFrom: number
}

/** Subscribes a connection, which has joined the topic, when it has been given what it missed. */
export type CatchUp = (connection: ChatConnection, topic: string, missed: Missed) => Promise<void>

/**
 * Gives one connection what came after a version, until it is level with the topic's stream. Seeing that it is level and
 * subscribing it from there happen in the same turn, so nothing fits between them. What takes its user out ends it.
 */
export function createCatchUp(options: {
  topics: Topics
  reader: TopicReader
  counts: Pick<DeliveryCounts, 'syncsRequired'>
  deliver: (connection: ChatConnection, delivery: Delivery) => void
}): CatchUp {
  const { topics, reader, counts, deliver } = options
  const { index, streams } = topics

  function deliverPage(connection: ChatConnection, topic: string, page: ChangePage, missed: Missed): void {
    const { until = Infinity, visibleFrom } = missed
    if (page.isTooMuch) {
      counts.syncsRequired += 1
      connection.sendFrame(syncRequired(topic))
    }
    for (const delivery of page.deliveries) {
      if (delivery.version > until) return
      if (!page.isTooMuch && (delivery.sequence ?? Infinity) >= visibleFrom) deliver(connection, delivery)
      if (delivery.left === connection.identity.actor.userId) return topics.leave(connection, topic)
    }
  }

  return async (connection, topic, missed) => {
    const { atLeast = missed.after, until = Infinity, visibleFrom } = missed
    const isWanted = () => !connection.hasEnded && index.find(connection, topic) !== undefined
    while (isWanted() && missed.after < Math.min(until, Math.max(atLeast, streams.positionOf(topic) ?? 0))) {
      for await (const page of reader.changesAfter(topic, missed.after)) {
        if (page.to <= missed.after) throw new Error(`the changes of ${topic} end at ${page.to}`)
        if (isWanted()) deliverPage(connection, topic, page, missed)
        missed.after = page.to
        if (missed.after >= until || !isWanted()) break
      }
    }
    if (!isWanted()) return
    index.subscribe(connection, topic, { from: missed.after + 1, visibleFrom })
    streams.start(topic, missed.after)
  }
}
