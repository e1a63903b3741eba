import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatConnection } from '../hub/chat-connection.ts'
import { Activity } from './activity.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const MINUTE = 60_000

function open() {
  const told: [string, boolean][] = []
  const setIdle = async (connectionId: string, _userId: string, isIdle: boolean) =>
    void told.push([connectionId, isIdle])
  const connect = (id: string) =>
    ({ id, hasEnded: false, identity: { actor: { userId: `user of ${id}` } } }) as ChatConnection
  return { activity: new Activity({ routing: { setIdle } }), told, connect }
}

test('a connection on which nothing is done is idle after five minutes, a minute more at most, and says so once', () => {
  const { activity, told, connect } = open()
  activity.began(connect('a'), { isIdle: false })
  vi.advanceTimersByTime(4 * MINUTE)
  activity.began(connect('b'), { isIdle: false })
  vi.advanceTimersByTime(MINUTE - 1)
  expect(told).toEqual([])
  vi.advanceTimersByTime(MINUTE + 1)
  expect(told).toEqual([['a', true]])
  vi.advanceTimersByTime(60 * MINUTE)
  expect(told).toEqual([
    ['a', true],
    ['b', true],
  ])
})

test('what a person does keeps a connection in use, or takes it into use, with one word however often it is done', () => {
  const { activity, told, connect } = open()
  const connection = connect('a')
  activity.began(connection, { isIdle: false })
  for (let minute = 0; minute < 30; minute++) {
    activity.performed(connection, 'SendMessage')
    vi.advanceTimersByTime(MINUTE)
  }
  expect(told).toEqual([])
  vi.advanceTimersByTime(10 * MINUTE)
  expect(told).toEqual([['a', true]])
  for (let count = 0; count < 10; count++) activity.performed(connection, 'MarkRead')
  expect(told).toEqual([
    ['a', true],
    ['a', false],
  ])
})

test('what a device does by itself is no use of it', () => {
  const { activity, told, connect } = open()
  const connection = connect('a')
  activity.began(connection, { isIdle: false })
  for (const name of ['Sync', 'MarkDelivered', 'GetMessages', 'WatchPresence', 'GetPresence'] as const) {
    vi.advanceTimersByTime(MINUTE)
    activity.performed(connection, name)
  }
  vi.advanceTimersByTime(MINUTE)
  expect(told).toEqual([['a', true]])
})

test('whoever is away is away at once, until something is done; who comes back away stays so', () => {
  const { activity, told, connect } = open()
  const [leaving, back] = [connect('a'), connect('b')]
  activity.began(leaving, { isIdle: false })
  activity.began(back, { isIdle: true })
  activity.left(leaving)
  activity.left(leaving)
  activity.left(back)
  vi.advanceTimersByTime(30 * MINUTE)
  expect(told).toEqual([['a', true]])
  activity.performed(back, 'SendMessage')
  expect(told.slice(1)).toEqual([['b', false]])
})

test('of a connection that has ended nothing is said', () => {
  const { activity, told, connect } = open()
  const connection = connect('a')
  activity.began(connection, { isIdle: false })
  activity.endConnection(connection)
  vi.advanceTimersByTime(30 * MINUTE)
  expect(told).toEqual([])
})
