import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deadlines } from './deadlines.ts'

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }))
afterEach(() => void vi.useRealTimers())

const clock = { now: () => new Date() }

function deadlines() {
  const due: string[] = []
  return { due, deadlines: new Deadlines<string>({ clock, due: (item) => void due.push(item) }) }
}

test('what is due comes within a second or two, and never too soon', () => {
  const it = deadlines()
  it.deadlines.add('soon', 12_500)
  it.deadlines.add('later', 15_000)
  vi.advanceTimersByTime(2_499)
  expect(it.due).toEqual([])
  vi.advanceTimersByTime(2_000)
  expect(it.due).toEqual(['soon'])
  vi.advanceTimersByTime(60_000)
  expect(it.due).toEqual(['soon', 'later'])
})

test('what was removed does not come, and nothing ticks while nothing is due', () => {
  const it = deadlines()
  it.deadlines.add('one', 12_000)
  it.deadlines.remove('one', 12_000)
  it.deadlines.remove('another', 13_000)
  vi.advanceTimersByTime(10_000)
  expect(it.due).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})

test('what fell due while the clock jumped, or the process stood still, comes at the next look', () => {
  const it = deadlines()
  it.deadlines.add('one', 12_000)
  it.deadlines.add('other', 3_600_000)
  vi.setSystemTime(7_200_000)
  vi.advanceTimersByTime(1_000)
  expect(it.due).toEqual(['one', 'other'])
})

test('what is added while others are dealt with comes in its own time', () => {
  const due: number[] = []
  const rounds = new Deadlines<number>({
    clock,
    due(round) {
      due.push(round)
      if (round < 3) rounds.add(round + 1, Date.now())
    },
  })
  rounds.add(1, 10_000)
  vi.advanceTimersByTime(5_000)
  expect(due).toEqual([1, 2, 3])
})
