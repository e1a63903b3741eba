import { repeat, type Logger } from '@parley/runtime'
import type { TopicReader } from './topic-reader.ts'
import type { Topics } from './topics.ts'

/** Each topic is compared once in so long, whatever else says that nothing is missing. */
const ROUND_MS = 10 * 60_000
const EVERY_MS = 5_000
/** What could not be compared now is compared soon. */
const RETRY_MS = 1_000
const TOPICS_PER_CALL = 500

export interface CheckingPositions extends AsyncDisposable {
  /** Now all of them: notices may have been missed, because this gateway's lease or its registration was away. */
  compareAll(): void
}

/** Compares where topics stand with their owner's versions, a few at a time, and lets those behind be repaired. */
export function startCheckingPositions(options: {
  topics: Topics
  reader: Pick<TopicReader, 'versionsOf'>
  log: Logger
}): CheckingPositions {
  const { topics, reader, log } = options
  /** Those that are to be compared: of the round, and at once. */
  let later: string[] = []
  let now: string[] = []
  let all = false

  /** Takes what was compared out of the list: what fails is tried again. */
  async function compareFrom(list: string[], count: number, signal: AbortSignal): Promise<void> {
    for (let left = Math.min(count, list.length); left > 0 && !signal.aborted;) {
      const chunk = list.slice(-Math.min(left, TOPICS_PER_CALL))
      const versions = await reader.versionsOf(chunk)
      chunk.forEach((topic, index) => topics.streams.compare(topic, versions[index] ?? 0))
      list.splice(-chunk.length)
      left -= chunk.length
    }
  }

  const checking = repeat('check-positions', { everyMs: EVERY_MS, retryMs: RETRY_MS, log }, async (signal) => {
    if (all) now = [...topics.index.topics()]
    all = false
    await compareFrom(now, Infinity, signal)
    if (later.length === 0) later = [...topics.index.topics()]
    await compareFrom(later, Math.ceil((topics.index.topicCount * EVERY_MS) / ROUND_MS), signal)
  })

  return {
    compareAll() {
      all = true
      checking.hurry()
    },
    [Symbol.asyncDispose]: () => checking[Symbol.asyncDispose](),
  }
}
