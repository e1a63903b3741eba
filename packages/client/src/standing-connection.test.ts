import type { HubConnection } from '@microsoft/signalr'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StandingConnection } from './standing-connection.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A server that lets everybody in, and does with them what the test wants. */
function open(onStart: (server: { welcome: () => void; drop: (error?: Error) => void }) => void) {
  const startedAtMs: number[] = []
  let close: (error?: Error) => void = () => undefined
  const connection = {
    onclose: (listener: typeof close) => void (close = listener),
    async start() {
      startedAtMs.push(performance.now())
      await Promise.resolve()
      onStart({ welcome: () => standing.welcomed(), drop: (error) => close(error) })
    },
    stop: async () => close(),
  } as unknown as HubConnection
  const listener = { began: vi.fn(), ended: vi.fn(), failed: vi.fn() }
  const standing = new StandingConnection(connection, listener)
  const waits = () => startedAtMs.slice(1).map((at, index) => at - startedAtMs[index]!)
  return { standing, waits }
}

describe('the wait before connecting again', () => {
  test('grows while connections end soon after they began', async () => {
    const { standing, waits } = open(({ welcome, drop }) => {
      welcome()
      setTimeout(drop, 100)
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(waits().slice(0, 6)).toEqual([600, 1_100, 2_100, 4_100, 8_100, 15_100])
    await standing.stop()
  })

  test('grows though a connection was open for long, if the server never said welcome', async () => {
    const { standing, waits } = open(() => undefined)
    await vi.advanceTimersByTimeAsync(150_000)
    expect(waits().slice(0, 3)).toEqual([30_500, 31_000, 32_000])
    await standing.stop()
  })

  test('starts over after a connection that held', async () => {
    const { standing, waits } = open(({ welcome, drop }) => {
      welcome()
      setTimeout(drop, 20_000)
    })
    await vi.advanceTimersByTimeAsync(90_000)
    expect(waits().slice(0, 3)).toEqual([20_500, 20_500, 20_500])
    await standing.stop()
  })

  test('is as long as a server that goes away has asked for, within a minute, and a little at random', async () => {
    const texts = ['draining;retryAfterMs=4000', 'draining;retryAfterMs=99999999', 'draining']
    const { standing, waits } = open(({ welcome, drop }) => {
      welcome()
      setTimeout(() => drop(new Error(`Server returned an error on close: ${texts.shift() ?? ''}`)), 20_000)
    })
    await vi.advanceTimersByTimeAsync(150_000)
    expect(waits().slice(0, 3)).toEqual([24_500, 80_500, 20_500])
    await standing.stop()
  })
})
