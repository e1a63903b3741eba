import type { Delivery } from '@parley/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TopicStreams } from './topic-streams.ts'

const topic = 'c:00000000-0000-4000-8000-000000000000'
const change = (version: number): Delivery => ({
  topic,
  version,
  event: 'MessageCreated',
  argument: new Uint8Array([version]),
})

function openStream(position?: number) {
  const delivered: number[] = []
  const gaps: string[] = []
  const streams = new TopicStreams({
    deliver: ({ version }) => delivered.push(version),
    repairLater: (gapped) => gaps.push(gapped),
  })
  streams.join(topic)
  if (position !== undefined) streams.start(topic, position)
  return { streams, delivered, gaps }
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
          streams.receiveRepaired(topic, missing, 12)
          expect(streams.endRepair(topic)).toBe(false)
        }
        const last = delivered.at(-1) ?? start
        expect(delivered).toEqual(Array.from({ length: last - start }, (_, index) => start + 1 + index))
        expect(Math.max(start, ...versions)).toBeLessThanOrEqual(Math.max(last, start))
      }),
    )
  })

  test('asks for one repair per gap', () => {
    const { streams, gaps } = openStream(0)
    streams.receive(change(3))
    streams.receive(change(5))
    expect(gaps).toEqual([topic])
    streams.receiveRepaired(topic, [change(1), change(2)], 2)
    expect(streams.endRepair(topic)).toBe(true)
    streams.receiveRepaired(topic, [change(4)], 5)
    expect(streams.endRepair(topic)).toBe(false)
    streams.receive(change(8))
    expect(gaps).toEqual([topic, topic])
  })

  test('a repair skips versions that hold nothing for clients', () => {
    const { streams, delivered } = openStream(0)
    streams.receive(change(4))
    streams.receiveRepaired(topic, [change(2)], 3)
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

  test('what comes for a topic that nobody hears is dropped', () => {
    const { streams, delivered } = openStream(0)
    streams.leave(topic)
    streams.receive(change(1))
    expect(delivered).toEqual([])
  })
})
