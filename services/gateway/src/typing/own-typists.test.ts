import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OwnTypists } from './own-typists.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open() {
  const told: string[] = []
  const typists = new OwnTypists(({ userId, conversationId, isTyping }) => {
    told.push(`${userId} in ${conversationId} ${isTyping ? 'types' : 'stops'}`)
  })
  return { typists, told }
}
const [phone, laptop] = [{ id: 'phone' }, { id: 'laptop' }]

test('of one user in one conversation it is told once in three seconds that they type', () => {
  const { typists, told } = open()
  for (let count = 0; count < 7; count++) {
    typists.start('alice', 'one', phone)
    vi.advanceTimersByTime(500)
  }
  expect(told).toEqual(['alice in one types', 'alice in one types'])
  typists.start('alice', 'two', phone)
  typists.start('bob', 'one', laptop)
  expect(told.slice(2)).toEqual(['alice in two types', 'bob in one types'])
  expect([typists.accepted, typists.throttled]).toEqual([4, 5])
})

test('that they stop is told at once, once, and does not make room for telling more', () => {
  const { typists, told } = open()
  for (let count = 0; count < 10; count++) {
    typists.start('alice', 'one', phone)
    typists.stop('alice', 'one')
  }
  expect(told).toEqual(['alice in one types', 'alice in one stops'])
  vi.advanceTimersByTime(3_000)
  typists.start('alice', 'one', phone)
  expect(told).toHaveLength(3)
})

test('who has not said it for seven seconds does not type any more: nothing is told, and nothing kept', () => {
  const { typists, told } = open()
  typists.start('alice', 'one', phone)
  vi.advanceTimersByTime(7_100)
  expect(vi.getTimerCount()).toBe(0)
  expect(typists.stop('alice', 'one')).toBe(false)
  typists.endConnection(phone)
  expect(told).toEqual(['alice in one types'])
})

test('the end of a connection ends what it typed, but not what another of the user types too', () => {
  const { typists, told } = open()
  typists.start('alice', 'one', phone)
  typists.start('alice', 'one', laptop)
  typists.start('alice', 'two', phone)
  typists.endConnection(phone)
  expect(told.slice(2)).toEqual(['alice in two stops'])
  typists.endConnection(laptop)
  expect(told.slice(3)).toEqual(['alice in one stops'])
  vi.advanceTimersByTime(7_100)
  expect(vi.getTimerCount()).toBe(0)
})
