import { randomUUID } from 'node:crypto'
import { BusError, createContext, type Answer } from '@parley/bus'
import { refuse } from '@parley/contracts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { GatheredMarks } from './gathered-marks.ts'
import type { GatherTimes, Mark } from './pass-marks.ts'

const times = (gatherReadMs: number, gatherDeliveredMs: number): Answer<GatherTimes> => ({
  ok: true,
  value: { gatherReadMs, gatherDeliveredMs },
})
const overloaded: Answer<GatherTimes> = { ok: false, refusal: refuse.overloaded({ retryAfterMs: 1_000 }).refusal }
const notMember: Answer<GatherTimes> = { ok: false, refusal: refuse.not_a_member().refusal }
const away = new BusError('unavailable', 'nobody answers')

const actor = { userId: randomUUID(), scopes: [] }
const conversationId = randomUUID()
const within = createContext('test', 60_000)

function open() {
  const passed: Mark[] = []
  const world = {
    answer: (): Promise<Answer<GatherTimes>> | Answer<GatherTimes> => times(500, 30_000),
    isMember: true,
  }
  const marks = new GatheredMarks({
    async pass(mark) {
      passed.push(mark)
      return world.answer()
    },
    delivery: { hears: () => world.isMember },
  })
  const connect = (id = randomUUID()) => {
    const connection = { id } as ChatConnection
    const mark = (marked: { delivered?: number; read?: number }, where = conversationId) =>
      marks.receive(
        { actor, conversationId: where, deliveredSequence: marked.delivered ?? 0, readSequence: marked.read ?? 0 },
        { connection, within },
      )
    return { id, mark }
  }
  const told = () => passed.map(({ deliveredSequence, readSequence }) => [deliveredSequence, readSequence])
  return { marks, world, connect, passed, told }
}

describe('marks of a member', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const later = (ms: number) => vi.advanceTimersByTimeAsync(ms)

  test('of what is read are passed on at once where nothing is known, then gathered as long as was said', async () => {
    const { connect, told, passed, marks } = open()
    const { mark, id } = connect()
    expect(await mark({ read: 1 })).toEqual({ ok: true, value: {} })
    expect(told()).toEqual([[0, 1]])
    expect(passed[0]).toMatchObject({ actor, conversationId, connectionId: id })
    await later(0)
    expect(marks.size).toBe(0)
    for (let read = 2; read <= 9; read += 1) await mark({ read })
    await later(499)
    expect(told()).toHaveLength(1)
    await later(120)
    expect(told()).toEqual([
      [0, 1],
      [0, 9],
    ])
    expect(marks.size).toBe(0)
  })

  test('of what is delivered are held for a second, and not passed on when it is read meanwhile', async () => {
    const { connect, told } = open()
    const { mark } = connect()
    await mark({ delivered: 3 })
    await later(900)
    expect(told()).toEqual([])
    await mark({ read: 3 })
    await later(60_000)
    expect(told()).toEqual([[0, 3]])
  })

  test('of what is delivered are passed on after a second, then as seldom as was said', async () => {
    const { connect, told } = open()
    const { mark } = connect()
    await mark({ delivered: 3 })
    await later(999)
    expect(told()).toEqual([])
    await later(120)
    expect(told()).toEqual([[3, 0]])
    await mark({ delivered: 4 })
    await later(20_000)
    await mark({ delivered: 5 })
    await later(9_900)
    expect(told()).toHaveLength(1)
    await later(300)
    expect(told().slice(1)).toEqual([[5, 0]])
  })

  test('go together when what was delivered is more than what was read', async () => {
    const { connect, told, world } = open()
    world.answer = () => times(0, 0)
    const { mark } = connect()
    await mark({ delivered: 9 })
    await mark({ read: 4 })
    await later(60_000)
    expect(told()).toEqual([[9, 4]])
  })

  test('are held at least a second when delivered, even where messaging would take them sooner', async () => {
    const { connect, told, world } = open()
    world.answer = () => times(0, 0)
    const { mark } = connect()
    await mark({ read: 1 })
    await mark({ delivered: 2 })
    await later(950)
    expect(told()).toEqual([[0, 1]])
    await later(150)
    expect(told()).toEqual([
      [0, 1],
      [2, 0],
    ])
  })

  test('lower ones change nothing', async () => {
    const { connect, told, world } = open()
    world.answer = () => times(500, 500)
    const { mark } = connect()
    await mark({ read: 1 })
    await later(0)
    await mark({ read: 7 })
    await mark({ read: 3 })
    await mark({ delivered: 5 })
    await later(60_000)
    expect(told()).toEqual([
      [0, 1],
      [0, 7],
    ])
  })

  test('that come while others are on their way follow them', async () => {
    const { connect, told, world } = open()
    const answering = Promise.withResolvers<Answer<GatherTimes>>()
    world.answer = () => answering.promise
    const { mark } = connect()
    await mark({ read: 1 })
    await mark({ read: 2 })
    await mark({ read: 3 })
    await later(5_000)
    expect(told()).toEqual([[0, 1]])
    answering.resolve(times(500, 30_000))
    await later(0)
    expect(told()).toEqual([
      [0, 1],
      [0, 3],
    ])
  })

  test.each(['an error', 'overloaded'])(
    'that fail with %s are passed on again, after growing pauses',
    async (failure) => {
      const { connect, told, world, marks } = open()
      const triedAt: number[] = []
      world.answer = () => {
        triedAt.push(performance.now())
        return failure === 'overloaded' ? overloaded : Promise.reject(away)
      }
      const { mark } = connect()
      expect(await mark({ read: 1 })).toEqual({ ok: true, value: {} })
      await later(0)
      await later(3_800)
      const pauses = triedAt.slice(1).map((at, index) => at - triedAt[index]!)
      for (const [index, expectedMs] of [500, 1_000, 2_000].entries()) {
        expect(pauses[index]).toBeGreaterThanOrEqual(expectedMs)
        expect(pauses[index]).toBeLessThanOrEqual(expectedMs + 60)
      }
      await mark({ read: 5 })
      expect(told()).toHaveLength(4)
      world.answer = () => times(500, 30_000)
      await later(5_000)
      expect(told().slice(4)).toEqual([[0, 5]])
      expect(marks.size).toBe(0)
    },
  )

  test('that are refused are dropped', async () => {
    const { connect, told, world, marks } = open()
    world.answer = () => notMember
    const { mark } = connect()
    await mark({ read: 1 })
    await later(60_000)
    expect(told()).toHaveLength(1)
    expect(marks.size).toBe(0)
  })

  test('are passed on at the end of their connection, and those of others are not', async () => {
    const { connect, told, marks } = open()
    const leaving = connect()
    const staying = connect()
    await leaving.mark({ delivered: 5 })
    await leaving.mark({ delivered: 6 }, randomUUID())
    await staying.mark({ delivered: 7 })
    marks.endConnection(leaving.id)
    expect(told()).toEqual([
      [5, 0],
      [6, 0],
    ])
    await later(0)
    expect(marks.size).toBe(1)
  })

  test('that came while others were on their way are passed on behind them at the end of their connection', async () => {
    const { connect, told, world, marks } = open()
    const answering = Promise.withResolvers<Answer<GatherTimes>>()
    world.answer = () => answering.promise
    const { mark, id } = connect()
    await mark({ read: 1 })
    await mark({ delivered: 2 })
    marks.endConnection(id)
    answering.resolve(times(500, 30_000))
    await later(0)
    expect(told()).toEqual([
      [0, 1],
      [2, 0],
    ])
  })

  test('are passed on when the gateway stops, which waits for it, and tries no more', async () => {
    const { connect, told, world, marks } = open()
    world.answer = () => Promise.reject(away)
    await connect().mark({ delivered: 5 })
    await connect().mark({ read: 6 })
    await later(0)
    const answering = Promise.withResolvers<Answer<GatherTimes>>()
    world.answer = () => answering.promise
    const stopped = vi.fn<() => void>()
    const stopping = marks[Symbol.asyncDispose]().then(stopped)
    await later(5_000)
    expect(told()).toEqual([
      [0, 6],
      [5, 0],
      [0, 6],
    ])
    expect(stopped).not.toHaveBeenCalled()
    answering.reject(away)
    await stopping
    expect(marks.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are kept apart by connection', async () => {
    const { connect, passed } = open()
    const phone = connect()
    const laptop = connect()
    await phone.mark({ delivered: 5 })
    await laptop.mark({ delivered: 6 })
    await later(1_100)
    expect(passed.map(({ connectionId }) => connectionId)).toEqual([phone.id, laptop.id])
  })

  test('beyond what one connection may have held are passed on at once, and answered as they are', async () => {
    const { connect, told, world, marks } = open()
    const { mark } = connect()
    for (let number = 0; number < 1_000; number += 1) await mark({ delivered: 1 }, randomUUID())
    expect([told().length, marks.size]).toEqual([0, 1_000])
    world.answer = () => overloaded
    expect(await mark({ delivered: 1 }, randomUUID())).toEqual(overloaded)
    expect(await connect().mark({ delivered: 1 })).toEqual({ ok: true, value: {} })
    expect(marks.size).toBe(1_001)
  })
})

describe('marks of who is not known to be a member', () => {
  test('are passed on at once and answered as they are', async () => {
    const { connect, told, world, marks } = open()
    world.isMember = false
    const { mark } = connect()
    expect(await mark({ delivered: 1 })).toEqual({ ok: true, value: {} })
    world.answer = () => notMember
    expect(await mark({ delivered: 2 })).toEqual(notMember)
    world.answer = () => Promise.reject(away)
    await expect(mark({ read: 3 })).rejects.toBe(away)
    expect(told()).toEqual([
      [1, 0],
      [2, 0],
      [0, 3],
    ])
    expect(marks.size).toBe(0)
  })
})
