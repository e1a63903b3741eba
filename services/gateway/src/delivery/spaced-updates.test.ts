import { randomUUID } from 'node:crypto'
import { conversationTopic, userTopic, type Delivery } from '@parley/contracts'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SpacedUpdates } from './spaced-updates.ts'

const topic = conversationTopic(randomUUID())
const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface State {
  version: number
  lastSequence: number
  memberCount: number
}

const updated = (state: State, besides: Partial<Delivery> = {}): Delivery => ({
  topic,
  version: state.version,
  event: 'ConversationUpdated',
  argument: encoder.encode(JSON.stringify(state)),
  ...besides,
})
const message = (version: number, sequence: number): Delivery => ({
  topic,
  version,
  sequence,
  event: 'MessageCreated',
  argument: encoder.encode('{}'),
})

function open() {
  const told: (State | string)[] = []
  const updates = new SpacedUpdates(({ event, version, argument }) => {
    if (event !== 'ConversationUpdated') return told.push(`${event} ${version}`)
    const state = JSON.parse(decoder.decode(argument)) as State
    expect(state.version).toBe(version)
    return told.push(state)
  })
  return { updates, told }
}

describe('what large conversations say of themselves', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is told at once, then once a second in its newest state', () => {
    const { updates, told } = open()
    const state = (version: number) => ({ version, lastSequence: 7, memberCount: 2_000 + version })
    for (let version = 1; version <= 5; version += 1) updates.receive(updated(state(version)))
    expect(told).toEqual([state(1)])
    vi.advanceTimersByTime(1_200)
    expect(told).toEqual([state(1), state(5)])
    updates.receive(updated(state(6)))
    vi.advanceTimersByTime(500)
    expect(told).toHaveLength(2)
    vi.advanceTimersByTime(600)
    expect(told).toEqual([state(1), state(5), state(6)])
    vi.advanceTimersByTime(10_000)
    updates.receive(updated(state(7)))
    expect(told).toHaveLength(4)
  })

  test('is brought level with the messages that were told while it waited', () => {
    const { updates, told } = open()
    updates.receive(updated({ version: 1, lastSequence: 7, memberCount: 2_000 }))
    updates.receive(updated({ version: 4, lastSequence: 7, memberCount: 2_003 }, { afterVersion: 1 }))
    updates.receive(message(5, 8))
    updates.receive({ ...message(6, 2), event: 'MessageUpdated' })
    expect(told.slice(1)).toEqual(['MessageCreated 5', 'MessageUpdated 6'])
    vi.advanceTimersByTime(1_200)
    expect(told.at(-1)).toEqual({ version: 6, lastSequence: 8, memberCount: 2_003 })
  })

  test('is told before a change of another kind, which waits for nothing', () => {
    const { updates, told } = open()
    updates.receive(updated({ version: 1, lastSequence: 7, memberCount: 1_002 }))
    updates.receive(updated({ version: 2, lastSequence: 7, memberCount: 1_001 }))
    updates.receive({ topic, version: 3, event: 'MemberLeft', argument: encoder.encode('{}') })
    expect(told.slice(1)).toEqual([{ version: 2, lastSequence: 7, memberCount: 1_001 }, 'MemberLeft 3'])
    vi.advanceTimersByTime(10_000)
    expect(told).toHaveLength(3)
  })

  test('is not told when nobody hears the conversation any more', () => {
    const { updates, told } = open()
    updates.receive(updated({ version: 1, lastSequence: 7, memberCount: 1_002 }))
    updates.receive(updated({ version: 2, lastSequence: 7, memberCount: 1_003 }))
    updates.forget(topic)
    vi.advanceTimersByTime(10_000)
    expect(told).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('of small ones, and what users are told of their own part, is told at once', () => {
    const { updates, told } = open()
    for (let version = 1; version <= 3; version += 1) {
      updates.receive(updated({ version, lastSequence: 0, memberCount: 1_000 }))
      updates.receive(updated({ version, lastSequence: 0, memberCount: 5_000 }, { topic: userTopic(randomUUID()) }))
    }
    expect(told).toHaveLength(6)
  })

  test('never tells a state older than what was told, and ends with the newest', () => {
    const step = fc.record({ kind: fc.constantFrom('join', 'send', 'edit', 'leave'), pauseMs: fc.nat(700) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 998, max: 1_003 }), (steps, memberCount) => {
        const state: State = { version: 0, lastSequence: 0, memberCount }
        const told: { version: number; state?: State }[] = []
        const updates = new SpacedUpdates(({ event, version, argument }) => {
          const isState = event === 'ConversationUpdated'
          told.push({ version, ...(isState && { state: JSON.parse(decoder.decode(argument)) as State }) })
        })
        const truth = new Map<number, State>()
        for (const { kind, pauseMs } of steps) {
          state.version += 1
          if (kind === 'send') state.lastSequence += 1
          if (kind === 'join') state.memberCount += 1
          if (kind === 'leave') state.memberCount -= 1
          truth.set(state.version, { ...state })
          if (kind === 'send') updates.receive(message(state.version, state.lastSequence))
          else if (kind === 'edit')
            updates.receive({ ...message(state.version, state.lastSequence), event: 'MessageUpdated' })
          else if (state.memberCount > 1_000) updates.receive(updated({ ...state }))
          else updates.receive({ ...message(state.version, 0), event: 'MemberJoined' })
          vi.advanceTimersByTime(pauseMs)
        }
        vi.advanceTimersByTime(3_000)
        updates[Symbol.dispose]()
        for (const [index, { version, state: said }] of told.entries()) {
          expect(version).toBeGreaterThanOrEqual(told[index - 1]?.version ?? 0)
          if (said !== undefined) expect(said).toEqual(truth.get(version))
        }
        expect(told.at(-1)?.version).toBe(steps.length === 0 ? undefined : state.version)
      }),
    )
  })
})
