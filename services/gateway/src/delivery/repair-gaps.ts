import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'
import type { DeliveryCounts } from './delivery-counts.ts'
import type { TopicReader } from './topic-reader.ts'
import type { TopicStreams } from './topic-streams.ts'

/** How long a gap may close by itself: notices of two senders overtake each other. */
const PATIENCE_MS = 100
const RETRY_MS = 500
const LAST_RETRY_MS = 10_000

export interface GapRepair extends AsyncDisposable {
  /** Fetches what is missing in a topic's stream, until it is whole or nobody here hears the topic any more. */
  begin(topic: string): void
  /** Topics that are being repaired. */
  readonly underWay: number
}

export function createGapRepair(options: {
  streams: () => TopicStreams
  reader: TopicReader
  counts: Pick<DeliveryCounts, 'repairedGaps'>
  log: Logger
}): GapRepair {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  async function repair(topic: string): Promise<void> {
    const streams = options.streams()
    let pauseMs = PATIENCE_MS
    let failed: boolean
    do {
      await delay(pauseMs, undefined, { signal: stopping.signal })
      const position = streams.beginRepair(topic)
      if (position === undefined) return
      try {
        for await (const page of options.reader.changesAfter(topic, position)) streams.receiveRepaired(topic, page)
        const reached = streams.positionOf(topic)
        if (reached !== position) {
          options.counts.repairedGaps += 1
          options.log.info({ topic, from: position, to: reached }, 'gap repaired')
        }
        failed = false
        pauseMs = RETRY_MS
      } catch (error) {
        failed = true
        options.log.warn({ error, topic, from: position }, 'gap not repaired yet')
        pauseMs = Math.min(Math.max(pauseMs * 2, RETRY_MS), LAST_RETRY_MS)
      }
    } while (failed || streams.endRepair(topic))
  }

  return {
    begin(topic) {
      const repairing = repair(topic).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error
      })
      running.add(repairing)
      void repairing.finally(() => running.delete(repairing))
    },
    get underWay() {
      return running.size
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
