import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Agenda } from './agenda.ts'

describe('an agenda', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function open() {
    const due: string[] = []
    return { agenda: new Agenda<string>((item) => due.push(item)), due }
  }

  test.each([1, 49, 50, 51, 1_000])('what is due in %i ms comes then, a tick later at most, and never sooner', (ms) => {
    vi.advanceTimersByTime(17)
    const { agenda, due } = open()
    agenda.schedule('item', ms)
    vi.advanceTimersByTime(ms - 1)
    expect(due).toEqual([])
    vi.advanceTimersByTime(101)
    expect(due).toEqual(['item'])
  })

  test('an item is due when it was last said to be, once, and not at all when it is cancelled', () => {
    const { agenda, due } = open()
    agenda.schedule('later', 100)
    agenda.schedule('later', 500)
    agenda.schedule('sooner', 500)
    agenda.schedule('sooner', 100)
    agenda.schedule('never', 100)
    agenda.cancel('never')
    vi.advanceTimersByTime(250)
    expect(due).toEqual(['sooner'])
    vi.advanceTimersByTime(10_000)
    expect(due).toEqual(['sooner', 'later'])
  })

  test('what is due may be scheduled again, at once or later', () => {
    let left = 3
    const agenda = new Agenda<string>((item) => {
      left -= 1
      if (left > 0) agenda.schedule(item, 0)
    })
    agenda.schedule('item', 0)
    vi.advanceTimersByTime(1_000)
    expect(left).toBe(0)
  })

  test('has no timer while nothing is due, nor after its end', () => {
    const { agenda, due } = open()
    expect(vi.getTimerCount()).toBe(0)
    agenda.schedule('item', 10)
    agenda.schedule('other', 5_000)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(6_000)
    expect(vi.getTimerCount()).toBe(0)
    agenda.schedule('third', 10)
    agenda[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(6_000)
    expect(due).toEqual(['item', 'other'])
    expect(agenda.size).toBe(0)
  })
})
