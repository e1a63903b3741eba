import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@parley/runtime'
import { retrying } from '../retrying.ts'
import type { TopicReader } from './topic-reader.ts'
import type { Topics } from './topics.ts'

/** Finds what has changed in a stretch of time, when it is not known which notices were missed. */
export interface ChangedTopics extends AsyncDisposable {
  /** Compares the topics that have changed since a moment of this process' clock (`performance.now()`); resolves when done. */
  checkSince(moment: number, options?: { withinMs?: number }): Promise<void>
}

/** Of both ends of the stretch: what was said then may have been on its way. */
const MARGIN_MS = 2_000
/** As many topics as one page of either kind names. */
const CHANGED_PER_PAGE = 5_000
const COMPARED_PER_CALL = 1_000

/**
 * Asks for the topics changed since, page by page, and lets those behind be repaired. When that is more than to compare all
 * topics that this gateway hears, these are compared instead.
 */
export function findChangedTopics(options: {
  topics: Topics
  reader: Pick<TopicReader, 'changedTopics'>
  compareAll: () => void
  log: Logger
}): ChangedTopics {
  const { topics, reader, compareAll, log } = options
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  async function check(since: number): Promise<void> {
    const pagesToCompareAll = Math.ceil(topics.index.topicCount / COMPARED_PER_CALL)
    let pages = 0
    for await (const page of reader.changedTopics(performance.now() - since + MARGIN_MS)) {
      for (const { topic, version } of page) topics.streams.compare(topic, version)
      pages += 1
      if (page.length === CHANGED_PER_PAGE && pages > pagesToCompareAll) return compareAll()
    }
  }

  async function checkLater(since: number, withinMs: number): Promise<void> {
    await delay(Math.random() * withinMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    const wanted = () => !stopping.signal.aborted
    await retrying('looking for changed topics', { wanted, log }, () => check(since))
  }

  return {
    checkSince(moment, { withinMs = 0 } = {}) {
      const checking = checkLater(moment, withinMs).finally(() => running.delete(checking))
      running.add(checking)
      return checking
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
