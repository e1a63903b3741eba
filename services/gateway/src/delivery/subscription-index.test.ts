import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SubscriptionIndex } from './subscription-index.ts'

const connections = Array.from({ length: 6 }, (_, number) => ({ number }))
const all = { from: 1, visibleFrom: 1 }
const topics = Array.from({ length: 6 }, (_, number) => `topic ${number}`)

type Step =
  | { do: 'subscribe'; connection: number; topic: number; from: number; visibleFrom: number }
  | { do: 'unsubscribe'; connection: number; topic: number }
  | { do: 'removeConnection'; connection: number }

const pair = { connection: fc.nat(5), topic: fc.nat(5) }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('subscribe'), ...pair, from: fc.nat(5), visibleFrom: fc.nat(5) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unsubscribe'), ...pair }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('removeConnection'), connection: fc.nat(5) }) },
)

describe('the subscription index', () => {
  test('agrees with a plain map after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new SubscriptionIndex<object>()
        const model = new Map<string, Extract<Step, { do: 'subscribe' }>>()
        const heard = (topic: number) => [...model.values()].filter((one) => one.topic === topic)
        for (const one of steps) {
          const connection = connections[one.connection]!
          if (one.do === 'subscribe') {
            index.subscribe(connection, topics[one.topic]!, one)
            model.set(`${one.connection} ${one.topic}`, one)
          } else if (one.do === 'unsubscribe') {
            const had = model.delete(`${one.connection} ${one.topic}`)
            expect(index.unsubscribe(connection, topics[one.topic]!)).toBe(had && heard(one.topic).length === 0)
          } else {
            const mine = [...model.values()].filter((other) => other.connection === one.connection)
            for (const { topic } of mine) model.delete(`${one.connection} ${topic}`)
            const orphaned = mine.filter(({ topic }) => heard(topic).length === 0).map(({ topic }) => topics[topic])
            expect(new Set(index.removeConnection(connection))).toEqual(new Set(orphaned))
          }
        }
        for (const [number, topic] of topics.entries()) {
          expect(index.hasTopic(topic)).toBe(heard(number).length > 0)
          for (let version = 0; version <= 5; version += 1) {
            for (const sequence of [undefined, 0, 1, 2, 3, 4, 5]) {
              const reached: object[] = []
              index.forEachAt({ topic, version, sequence }, (connection) => reached.push(connection))
              const expected = heard(number).filter(
                ({ from, visibleFrom }) => from <= version && (sequence === undefined || visibleFrom <= sequence),
              )
              expect(new Set(reached)).toEqual(new Set(expected.map(({ connection }) => connections[connection])))
              expect(reached.length).toBe(expected.length)
            }
          }
        }
      }),
    )
  })

  test('grows beyond its first capacity and forgets nothing', () => {
    const index = new SubscriptionIndex<object>()
    const many = Array.from({ length: 300 }, () => ({}))
    for (const connection of many)
      for (let topic = 0; topic < 20; topic += 1) index.subscribe(connection, `t${topic}`, all)
    const visited: object[] = []
    index.forEachAt({ topic: 't7', version: 1, sequence: 1 }, (connection) => visited.push(connection))
    expect(visited).toHaveLength(300)
    expect(index.connectionsOf('t7')).toHaveLength(300)
    for (const connection of many.slice(1)) expect(index.removeConnection(connection)).toEqual([])
    expect(index.removeConnection(many[0]!)).toHaveLength(20)
    expect(index.topicCount).toBe(0)
  })

  test('a visitor may remove the connection it is given', () => {
    const index = new SubscriptionIndex<object>()
    for (const connection of connections) index.subscribe(connection, 't', all)
    const visited: object[] = []
    index.forEachAt({ topic: 't', version: 1 }, (connection) => {
      visited.push(connection)
      index.removeConnection(connection)
    })
    expect(visited).toHaveLength(connections.length)
    expect(index.topicCount).toBe(0)
  })
})
