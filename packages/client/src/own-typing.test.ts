import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OwnTyping } from './own-typing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open() {
  const told: [kind: string, atMs: number][] = []
  const from = performance.now()
  const offer = { isOpen: true }
  const typing = new OwnTyping({
    async tell(kind) {
      told.push([kind, performance.now() - from])
      throw new Error('lost')
    },
    isOffered: () => offer.isOpen,
  })
  return { told, offer, typing }
}

test('however fast the user types, it is told at once, then every three seconds, and that it is over five after the last key', () => {
  const { told, typing } = open()
  for (let key = 0; key < 70; key++) {
    typing.start('one')
    vi.advanceTimersByTime(100)
  }
  vi.advanceTimersByTime(60_000)
  expect(told).toEqual([
    ['StartTyping', 0],
    ['StartTyping', 3_200],
    ['StartTyping', 6_400],
    ['StartTyping', 9_600],
    ['StopTyping', 11_900],
  ])
  expect(vi.getTimerCount()).toBe(0)
})

test('what is sent is over without a word, and what is typed right after it is told when it may be', () => {
  const { told, typing } = open()
  typing.start('one')
  vi.advanceTimersByTime(1_000)
  typing.said('one')
  typing.start('one')
  expect(told).toEqual([['StartTyping', 0]])
  vi.advanceTimersByTime(2_200)
  expect(told.at(-1)).toEqual(['StartTyping', 3_200])
  typing.stop('one')
  typing.stop('one')
  expect(told.slice(2)).toEqual([['StopTyping', 3_200]])
})

test('what was never told is not told to be over', () => {
  const { told, typing } = open()
  typing.start('one')
  typing.stop('one')
  typing.start('one')
  typing.stop('one')
  expect(told.map(([kind]) => kind)).toEqual(['StartTyping', 'StopTyping'])
})

test('while there is no connection nothing is told; when there is one again, who still types is', () => {
  const { told, offer, typing } = open()
  offer.isOpen = false
  typing.start('one')
  vi.advanceTimersByTime(4_000)
  typing.start('one')
  expect(told).toEqual([])
  offer.isOpen = true
  vi.advanceTimersByTime(3_000)
  expect(told).toEqual([['StartTyping', 6_400]])
})

test('closed, it leaves no timer', () => {
  const { typing } = open()
  typing.start('one')
  typing.start('two')
  typing.stop('two')
  typing.close()
  expect(vi.getTimerCount()).toBe(0)
})
