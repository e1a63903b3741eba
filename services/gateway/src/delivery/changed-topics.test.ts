import { setTimeout as delay } from 'node:timers/promises'
import { silentLog } from '@parley/testing'
import { expect, test } from 'vitest'
import { findChangedTopics } from './changed-topics.ts'
import { createTopicReader } from './topic-reader.ts'

type Topics = Parameters<typeof findChangedTopics>[0]['topics']
type Page = { topics: { topic: string; version: number }[]; next: string | null }

const PAGE_TAKES_MS = 60

/** A gateway that hears so many topics, of which these pages have changed. */
function openChanged(pages: readonly Page[], topicCount: number) {
  const askedWithinMs: number[] = []
  const compared: string[] = []
  let allCompared = 0
  const neverAsked = async () => {
    throw new Error('not asked here')
  }
  const reader = createTopicReader({
    async listChangedTopics({ withinMs }) {
      askedWithinMs.push(withinMs)
      await delay(PAGE_TAKES_MS)
      return { ok: true, value: pages[askedWithinMs.length - 1]! }
    },
    listChanges: neverAsked,
    readVersions: neverAsked,
    listMemberships: neverAsked,
  })
  const topics = { index: { topicCount }, streams: { compare: (topic: string) => void compared.push(topic) } }
  const changed = findChangedTopics({
    topics: topics as unknown as Topics,
    reader,
    compareAll: () => void (allCompared += 1),
    log: silentLog,
  })
  return { changed, askedWithinMs, compared, allCompared: () => allCompared }
}

const page = (size: number, next: string | null): Page => ({
  topics: Array.from({ length: size }, (_, index) => ({ topic: `c:${index}`, version: 1 })),
  next,
})

test('each page asks back to the same moment, however long those before it took', async () => {
  const { changed, askedWithinMs, compared } = openChanged([page(2, 'c:1'), page(2, 'c:3'), page(1, null)], 10)
  await changed.checkSince(performance.now() - 1_000)
  const [first, second, third] = askedWithinMs as [number, number, number]
  expect(first).toBeGreaterThan(1_000)
  expect(second - first).toBeGreaterThanOrEqual(PAGE_TAKES_MS - 5)
  expect(third - second).toBeGreaterThanOrEqual(PAGE_TAKES_MS - 5)
  expect(compared).toHaveLength(5)
})

test('when more has changed than this gateway hears, its own topics are compared instead', async () => {
  const pages = [page(5_000, 'c:1'), page(5_000, 'c:2'), page(5_000, null)]
  const few = openChanged(pages, 1_500)
  await few.changed.checkSince(performance.now())
  expect([few.askedWithinMs.length, few.allCompared()]).toEqual([3, 1])
  const many = openChanged(pages, 3_000)
  await many.changed.checkSince(performance.now())
  expect([many.compared.length, many.allCompared()]).toEqual([15_000, 0])
})
