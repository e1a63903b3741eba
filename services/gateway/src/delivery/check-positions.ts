import { repeat, type Logger, type Repeating } from '@parley/runtime'
import type { TopicReader } from './topic-reader.ts'
import type { Topics } from './topics.ts'

/** A quiet topic whose only notice was lost has no successor to reveal it. */
const EVERY_MS = 10 * 60_000
/** What could not be compared now is compared soon. */
const RETRY_MS = 1_000
const TOPICS_PER_CHUNK = 500

/**
 * Compares where every topic stands with its owner's version, in bounded chunks, and lets those behind be repaired. In doubt,
 * after NATS or the gateway's lease was away, call `hurry()`.
 */
export function startCheckingPositions(options: { topics: Topics; reader: TopicReader; log: Logger }): Repeating {
  const { topics, reader, log } = options
  return repeat('check-positions', { everyMs: EVERY_MS, retryMs: RETRY_MS, log }, async (signal) => {
    const all = [...topics.index.topics()]
    for (let start = 0; start < all.length && !signal.aborted; start += TOPICS_PER_CHUNK) {
      const chunk = all.slice(start, start + TOPICS_PER_CHUNK)
      const versions = await reader.versionsOf(chunk)
      chunk.forEach((topic, index) => topics.streams.compare(topic, versions[index] ?? 0))
    }
  })
}
