import type { PresenceState } from '@parley/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { ToldStates, type SeenChange } from './told-states.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Longer than a connection is left alone after it was told. */
const SPACE_MS = 1_100

type Status = PresenceState['status']

const state = (userId: string, status: Status): PresenceState => ({ userId, status, text: null, lastSeenAt: null })
const change = (userId: string, before: Status, now: Status): SeenChange => ({
  before: state(userId, before),
  now: state(userId, now),
})

function open() {
  const batches: Record<string, Status>[] = []
  const connection = {
    isSlow: false,
    hasEnded: false,
    send(_name: string, states: PresenceState[]) {
      batches.push(Object.fromEntries(states.map(({ userId, status }) => [userId, status])))
    },
  }
  return { told: new ToldStates(), connection: connection as typeof connection & ChatConnection, batches }
}

test('the first change is told at once, and those of the next second at its end, the newest of each user', () => {
  const { told, connection, batches } = open()
  told.tell(connection, [change('a', 'offline', 'online')])
  expect(batches).toEqual([{ a: 'online' }])
  told.tell(connection, [change('a', 'online', 'away'), change('b', 'offline', 'busy')])
  told.tell(connection, [change('a', 'away', 'busy')])
  vi.advanceTimersByTime(999)
  expect(batches).toHaveLength(1)
  vi.advanceTimersByTime(101)
  expect(batches.slice(1)).toEqual([{ a: 'busy', b: 'busy' }])
  vi.advanceTimersByTime(10 * SPACE_MS)
  told.tell(connection, [change('a', 'busy', 'online')])
  expect(batches.slice(2)).toEqual([{ a: 'online' }])
  expect(told.told).toBe(4)
})

test('what is as the connection knows it when it could be told is not told', () => {
  const { told, connection, batches } = open()
  told.tell(connection, [change('a', 'online', 'away'), change('a', 'away', 'online')])
  expect(batches).toEqual([])
  told.tell(connection, [change('a', 'offline', 'online')])
  told.tell(connection, [change('a', 'online', 'away'), change('b', 'online', 'busy')])
  told.tell(connection, [change('a', 'away', 'online')])
  vi.advanceTimersByTime(SPACE_MS)
  expect(batches).toEqual([{ a: 'online' }, { b: 'busy' }])
})

test('of users who are forgotten nothing is told, and their connection is not told sooner', () => {
  const { told, connection, batches } = open()
  told.tell(connection, [change('a', 'offline', 'online')])
  told.tell(connection, [change('a', 'online', 'away'), change('b', 'offline', 'online')])
  told.forget(connection, ['a', 'b'])
  told.tell(connection, [change('c', 'offline', 'online')])
  expect(batches).toEqual([{ a: 'online' }])
  vi.advanceTimersByTime(SPACE_MS)
  expect(batches.slice(1)).toEqual([{ c: 'online' }])
})

test('a slow connection is told when it is slow no more: of each user once, in the newest state', () => {
  const { told, connection, batches } = open()
  connection.isSlow = true
  for (let round = 0; round < 30; round++) {
    told.tell(connection, [change('a', 'online', round % 2 === 0 ? 'away' : 'busy')])
    vi.advanceTimersByTime(1_000)
  }
  expect(batches).toEqual([])
  connection.isSlow = false
  vi.advanceTimersByTime(SPACE_MS)
  expect(batches).toEqual([{ a: 'busy' }])
})

test('a connection that has ended is told nothing, and nothing is kept for it', () => {
  const { told, connection, batches } = open()
  told.tell(connection, [change('a', 'offline', 'online')])
  told.tell(connection, [change('a', 'online', 'away')])
  told.endConnection(connection)
  connection.hasEnded = true
  told.tell(connection, [change('a', 'away', 'busy')])
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
  vi.advanceTimersByTime(10 * SPACE_MS)
  expect(batches).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})
