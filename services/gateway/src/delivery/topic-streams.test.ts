import type { Delivery } from '@parley/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChangePage } from './topic-reader.ts'
import { TopicStreams } from './topic-streams.ts'

const topic = 'c:00000000-0000-4000-8000-000000000000'
const change = (version: number, afterVersion?: number): Delivery => ({
  topic,
  version,
  ...(afterVersion !== undefined && { afterVersion }),
  event: 'MessageCreated',
  argument: new Uint8Array([version]),
})

const pageOf = (deliveries: Delivery[], to: number): ChangePage => ({ deliveries, to, isTooMuch: false })

function openStream(position?: number) {
  const delivered: number[] = []
  const spans: { after: number; version: number }[] = []
  const skipped: ChangePage[] = []
  const gaps: string[] = []
  const streams = new TopicStreams({
    deliver: ({ version, afterVersion = version - 1 }) => {
      delivered.push(version)
      spans.push({ after: afterVersion, version })
    },
    skip: (_topic, page) => skipped.push(page),
    repairLater: (gapped) => gaps.push(gapped),
  })
  streams.join(topic)
  if (position !== undefined) streams.start(topic, position)
  return { streams, delivered, spans, skipped, gaps }
}

describe('a topic stream', () => {
  test('delivers each version once and in order, however they arrive, when what stays missing is repaired', () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 })
    fc.assert(
      fc.property(fc.nat(5), arrivals, fc.nat(40), (start, versions, startsAfter) => {
        const { streams, delivered, gaps } = openStream()
        versions.forEach((version, index) => {
          if (index === startsAfter) streams.start(topic, start)
          streams.receive(change(version))
        })
        streams.start(topic, start)
        if (gaps.length > 0) {
          const position = streams.positionOf(topic)!
          const missing = Array.from({ length: 12 - position }, (_, index) => change(position + 1 + index))
          streams.receiveRepaired(topic, pageOf(missing, 12))
          expect(streams.endRepair(topic)).toBe(false)
        }
        const last = delivered.at(-1) ?? start
        expect(delivered).toEqual(Array.from({ length: last - start }, (_, index) => start + 1 + index))
        expect(Math.max(start, ...versions)).toBeLessThanOrEqual(Math.max(last, start))
      }),
    )
  })

  test('delivers changes that stand for several versions once and in order, however they arrive, whatever is repaired', () => {
    const last = 16
    /** Where the versions are split: what lies between two of these is one change. */
    const splits = fc
      .subarray(Array.from({ length: last - 1 }, (_, index) => index + 1))
      .map((cuts) => [0, ...cuts, last])
    const arrivals = fc.array(fc.nat(last - 1), { maxLength: 40 })
    fc.assert(
      fc.property(splits, arrivals, fc.nat(last), fc.nat(40), fc.nat(last), (cuts, order, start, startsAfter, cut) => {
        const { streams, spans, gaps } = openStream()
        const changes = cuts.slice(1).map((version, index) => change(version, cuts[index]))
        const arriving = order.map((number) => changes[number % changes.length]!)
        arriving.forEach((arrived, index) => {
          if (index === startsAfter) streams.start(topic, start)
          streams.receive(arrived)
        })
        streams.start(topic, start)
        if (gaps.length > 0) {
          // A repair may end within what one change stands for, and what it finds may be split in another way.
          for (const to of [cut, last]) {
            const from = streams.positionOf(topic)!
            const missing = Array.from({ length: Math.max(0, to - from) }, (_, index) => change(from + 1 + index))
            streams.receiveRepaired(topic, pageOf(missing, to))
          }
          expect(streams.endRepair(topic)).toBe(false)
        }
        let position = start
        for (const { after, version } of spans) {
          expect(after).toBeLessThanOrEqual(position)
          expect(version).toBeGreaterThan(position)
          position = version
        }
        expect(streams.positionOf(topic)).toBe(position)
        expect(Math.max(...arriving.map(({ version }) => version), start)).toBeLessThanOrEqual(position)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a change that stands for several versions is delivered when all before them have come', () => {
    const { streams, delivered, gaps } = openStream(3)
    streams.receive(change(9, 5))
    streams.receive(change(10))
    streams.receive(change(5))
    expect([delivered, gaps]).toEqual([[], [topic]])
    streams.receive(change(4))
    expect(delivered).toEqual([4, 5, 9, 10])
    streams.receive(change(9, 5))
    expect(delivered).toEqual([4, 5, 9, 10])
    expect(streams.endRepair(topic)).toBe(false)
  })

  test('a change is delivered where a repair has reached some of the versions that it stands for', () => {
    const { streams, delivered } = openStream(3)
    streams.receive(change(9, 5))
    streams.receiveRepaired(topic, pageOf([change(4)], 7))
    expect(delivered).toEqual([4, 9])
    expect(streams.endRepair(topic)).toBe(false)
  })

  test('goes on behind what is too much to be delivered', () => {
    const { streams, delivered, skipped } = openStream(3)
    streams.receive(change(5_001))
    const page = { deliveries: [change(1_000)], to: 5_000, isTooMuch: true }
    streams.receiveRepaired(topic, page)
    expect([delivered, skipped]).toEqual([[5_001], [page]])
    streams.receiveRepaired(topic, page)
    expect(skipped).toHaveLength(1)
    expect(streams.positionOf(topic)).toBe(5_001)
  })

  test('asks for one repair per gap', () => {
    const { streams, gaps } = openStream(0)
    streams.receive(change(3))
    streams.receive(change(5))
    expect(gaps).toEqual([topic])
    streams.receiveRepaired(topic, pageOf([change(1), change(2)], 2))
    expect(streams.endRepair(topic)).toBe(true)
    streams.receiveRepaired(topic, pageOf([change(4)], 5))
    expect(streams.endRepair(topic)).toBe(false)
    streams.receive(change(8))
    expect(gaps).toEqual([topic, topic])
  })

  test('a repair skips versions that hold nothing for clients', () => {
    const { streams, delivered } = openStream(0)
    streams.receive(change(4))
    streams.receiveRepaired(topic, pageOf([change(2)], 3))
    expect(delivered).toEqual([2, 4])
    expect(streams.positionOf(topic)).toBe(4)
  })

  test('a topic that its owner says is ahead is repaired, and one that is level is not', () => {
    const { streams, gaps } = openStream(7)
    streams.compare(topic, 7)
    expect(gaps).toEqual([])
    streams.compare(topic, 8)
    expect(gaps).toEqual([topic])
  })

  test('a topic that is said to be ahead while it is being repaired is repaired once more: what was fetched may be older', () => {
    const { streams, gaps } = openStream(0)
    streams.receive(change(2))
    expect(streams.beginRepair(topic)).toBe(0)
    streams.compare(topic, 3)
    streams.receiveRepaired(topic, pageOf([change(1)], 2))
    expect(streams.endRepair(topic)).toBe(true)
    expect(streams.beginRepair(topic)).toBe(2)
    streams.receiveRepaired(topic, pageOf([change(3)], 3))
    expect(streams.endRepair(topic)).toBe(false)
    expect([streams.positionOf(topic), gaps]).toEqual([3, [topic]])
  })

  test('a topic that is said to be ahead while it is being joined is repaired when it has been: what was read may be older', () => {
    const { streams, gaps } = openStream()
    streams.compare(topic, 8)
    expect([streams.beginRepair(topic), gaps]).toEqual([undefined, []])
    streams.start(topic, 7)
    expect([streams.beginRepair(topic), gaps]).toEqual([7, [topic]])
    streams.receiveRepaired(topic, pageOf([change(8)], 8))
    expect(streams.endRepair(topic)).toBe(false)
  })

  test('what comes for a topic that nobody hears is dropped', () => {
    const { streams, delivered } = openStream(0)
    streams.leave(topic)
    streams.receive(change(1))
    expect(delivered).toEqual([])
  })
})
