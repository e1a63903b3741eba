import { randomUUID } from 'node:crypto'
import { conversationTopic, userTopic } from '@parley/contracts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { ReceiptsGathering } from './receipts-gathering.ts'
import { TopicStreams } from './topic-streams.ts'
import { NOT_YET, Topics } from './topics.ts'

const conversationId = randomUUID()
const topic = conversationTopic(conversationId)
const someone = randomUUID()
const receipt = (deliveredSequence: number, readSequence: number, userId = someone) => ({
  userId,
  deliveredSequence,
  readSequence,
})

function open() {
  const streams = new TopicStreams({ deliver: vi.fn(), skip: vi.fn(), repairLater: vi.fn() })
  const topics = new Topics(streams, { addInterest: async () => undefined, removeInterest: () => undefined })
  const receipts = new ReceiptsGathering(topics)
  const connect = (from: number, where = topic) => {
    const sendFrame = vi.fn<ChatConnection['sendFrame']>()
    const connection = { id: randomUUID(), sendFrame } as unknown as ChatConnection
    topics.index.subscribe(connection, where, { from, visibleFrom: 0 })
    return { connection, sendFrame }
  }
  return { topics, receipts, connect }
}

describe('receipts', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const gathered = (...raised: ReturnType<typeof receipt>[]) => ({
    topic,
    conversationId,
    receipts: raised,
    gatherMs: 3_000,
  })

  test('of a group are told together, so long after the first and never sooner, encoded once', () => {
    const { receipts, connect } = open()
    const listeners = [connect(1), connect(500)]
    const notYet = connect(NOT_YET)
    receipts.receive(gathered(receipt(2, 1)))
    vi.advanceTimersByTime(2_999)
    receipts.receive(gathered(receipt(1, 1), receipt(9, 9, randomUUID())))
    for (const { sendFrame } of listeners) expect(sendFrame).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60)
    const frames = listeners.map(({ sendFrame }) => sendFrame.mock.calls.map(([frame]) => frame))
    expect(frames[0]).toHaveLength(1)
    expect(frames[1]![0]).toBe(frames[0]![0])
    expect(notYet.sendFrame).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60_000)
    expect(listeners[0]!.sendFrame).toHaveBeenCalledOnce()
  })

  test('of a conversation that nobody hears, or not any more, are not kept', () => {
    const { receipts, topics, connect } = open()
    receipts.receive(gathered(receipt(1, 1)))
    expect(vi.getTimerCount()).toBe(0)
    const gone = connect(1)
    receipts.receive(gathered(receipt(1, 1)))
    topics.leaveAll(gone.connection)
    const come = connect(1)
    vi.advanceTimersByTime(60_000)
    expect(gone.sendFrame).not.toHaveBeenCalled()
    expect(come.sendFrame).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that are told at once leave out the connection that knows', () => {
    const { receipts, connect } = open()
    const own = userTopic(someone)
    const [phone, laptop] = [connect(1, own), connect(1, own)]
    const exceptConnectionId = phone.connection.id
    receipts.receive({ topic: own, conversationId, receipts: [receipt(3, 3)], gatherMs: 0, exceptConnectionId })
    expect(phone.sendFrame).not.toHaveBeenCalled()
    expect(laptop.sendFrame).toHaveBeenCalledOnce()
  })

  test('of one user replace those that still wait for a slow client, of several they do not', () => {
    const { receipts, connect } = open()
    const { sendFrame } = connect(1)
    const atOnce = { topic, conversationId, gatherMs: 0 }
    receipts.receive({ ...atOnce, receipts: [receipt(1, 1)] })
    receipts.receive({ ...atOnce, receipts: [receipt(2, 2)] })
    receipts.receive({ ...atOnce, receipts: [receipt(2, 2, randomUUID())] })
    receipts.receive({ ...atOnce, receipts: [receipt(3, 3), receipt(3, 3, randomUUID())] })
    const [first, second, others, several] = sendFrame.mock.calls.map(([, delivery]) => delivery)
    expect(first).toEqual(second)
    expect(others).not.toEqual(first)
    expect(several).toBe('durable')
  })

  test('never go back, though a sender tells once more what was overtaken', () => {
    const { receipts, connect } = open()
    const { sendFrame } = connect(1)
    const atOnce = { topic, conversationId, gatherMs: 0 }
    receipts.receive({ ...atOnce, receipts: [receipt(9, 7)] })
    vi.advanceTimersByTime(25_000)
    receipts.receive({ ...atOnce, receipts: [receipt(8, 7)] })
    expect(sendFrame).toHaveBeenCalledOnce()
    receipts.receive({ ...atOnce, receipts: [receipt(5, 8), receipt(1, 1)] })
    const frame = sendFrame.mock.calls.at(-1)![0]
    const told = frame.encodedFor({ encode: (message: unknown) => message } as never)
    expect(told).toMatchObject({ arguments: [{ conversationId, receipts: [receipt(9, 8)] }] })
  })

  test('leave nothing behind where it has been quiet', () => {
    const { receipts, connect } = open()
    connect(1)
    receipts.receive({ topic, conversationId, gatherMs: 0, receipts: [receipt(1, 1)] })
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(61_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are told no more after the end', () => {
    const { receipts, connect } = open()
    const { sendFrame } = connect(1)
    receipts.receive(gathered(receipt(1, 1)))
    receipts[Symbol.dispose]()
    vi.advanceTimersByTime(60_000)
    expect(sendFrame).not.toHaveBeenCalled()
  })
})
