import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TimingWheel } from '../timing-wheel.ts'
import { Heartbeat, type HeartbeatOwner } from './heartbeat.ts'

const intervals = { handshake: 15, keepAlive: 15, clientTimeout: 30, buffered: 10, disconnect: 12 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function beating(wheel: TimingWheel, state: Partial<HeartbeatOwner> = {}) {
  const verdicts: [string, number][] = []
  const owner = {
    hasEnded: false,
    isHandshaking: false,
    isBusy: false,
    isDetached: false,
    keepsItselfAlive: false,
    waitingSinceTick: undefined as number | undefined,
    ...state,
    pulse(verdict: string) {
      verdicts.push([verdict, wheel.tick])
      if (verdict === 'ping') heartbeat.sent()
      else owner.hasEnded = true
    },
  }
  const heartbeat = new Heartbeat(owner, wheel, intervals)
  return { heartbeat, owner, verdicts }
}

test('pings come when nothing was sent for the interval, and a silent client is timed out', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, verdicts } = beating(wheel)
  vi.advanceTimersByTime(10_000)
  heartbeat.sent()
  vi.advanceTimersByTime(60_000)
  expect(verdicts).toEqual([
    ['ping', 15 + 10],
    ['client timeout', 30],
  ])
})

test('a client that is heard lives on', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, verdicts } = beating(wheel)
  for (let second = 0; second < 600; second += 25) {
    vi.advanceTimersByTime(25_000)
    heartbeat.heard()
  }
  expect(verdicts.map(([verdict]) => verdict)).toEqual(Array.from({ length: 40 }, () => 'ping'))
})

test('a client whose method runs is not timed out', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, owner, verdicts } = beating(wheel, { isBusy: true })
  vi.advanceTimersByTime(100_000)
  owner.isBusy = false
  heartbeat.heard()
  vi.advanceTimersByTime(29_000)
  expect(verdicts.every(([verdict]) => verdict === 'ping')).toBe(true)
  vi.advanceTimersByTime(30_000)
  expect(verdicts.at(-1)![0]).toBe('client timeout')
})

test('a handshake that does not come is timed out', () => {
  using wheel = new TimingWheel(1_000)
  const { verdicts } = beating(wheel, { isHandshaking: true })
  vi.advanceTimersByTime(60_000)
  expect(verdicts).toEqual([['handshake timeout', 15]])
})

test('a client that does not take its bytes is slow on the tick', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, owner, verdicts } = beating(wheel)
  vi.advanceTimersByTime(3_000)
  owner.waitingSinceTick = 3
  heartbeat.lookSooner()
  vi.advanceTimersByTime(60_000)
  expect(verdicts).toEqual([['slow client', 13]])
})

test('a stopped heartbeat says nothing', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, verdicts } = beating(wheel)
  heartbeat.stop()
  vi.advanceTimersByTime(60_000)
  expect(verdicts).toEqual([])
})

test('what is further away than the wheel is large comes in its time', () => {
  using wheel = new TimingWheel(10)
  const looks: number[] = []
  const entry = { wheelSlot: -1, look: (tick: number) => (looks.push(tick), tick < 200 ? 200 - tick : Infinity) }
  wheel.schedule(entry, 200)
  vi.advanceTimersByTime(5_000)
  expect(looks.at(-1)).toBe(200)
  expect(looks.length).toBeLessThan(6)
})

test('a client whose transport keeps itself alive gets no ping and may be silent, but not slow', () => {
  using wheel = new TimingWheel(1_000)
  const { heartbeat, owner, verdicts } = beating(wheel, { keepsItselfAlive: true })
  vi.advanceTimersByTime(600_000)
  expect(verdicts).toEqual([])
  owner.waitingSinceTick = wheel.tick
  heartbeat.lookSooner()
  vi.advanceTimersByTime(10_000)
  expect(verdicts).toEqual([['slow client', 610]])
})
