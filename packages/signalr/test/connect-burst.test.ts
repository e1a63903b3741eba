import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { officialClient, rawClient, startHub, type RawClient, type TestHub } from './fixture.ts'

const CLIENTS = 300
const PER_SECOND = 50
const TICK_MS = 100

/** As good clients do: tries again, at random within a second or so, until it is let in. */
async function startPatiently(client: ReturnType<typeof officialClient>): Promise<number> {
  for (let refusals = 0; ; refusals++) {
    try {
      await client.start()
      return refusals
    } catch (error) {
      expect(String(error)).toContain("Status code '503'")
      await delay(500 + Math.random() * 1_000)
    }
  }
}

/** The numbers that a client was told. */
const numbersOf = ({ messages }: RawClient): unknown[] =>
  messages.filter(({ target }) => target === 'Tick').map(({ arguments: args }) => (args as unknown[])[0])

function tick({ server }: TestHub) {
  let last = 0
  const ticking = setInterval(() => server.clients.all.send('Tick', ++last), TICK_MS)
  return { last: () => last, [Symbol.dispose]: () => clearInterval(ticking) }
}

test('300 clients at once at a server that lets in 50 a second all get in, and disturb nobody who is in', async () => {
  let asked = 0
  await using hub = await startHub({
    limits: { handshakesPerSecond: PER_SECOND, connectionsPerUser: 2 * CLIENTS },
    authenticate() {
      asked++
      return 'user'
    },
  })
  await using early = await rawClient(hub)
  using ticks = tick(hub)
  await using stack = new AsyncDisposableStack()
  const clients = Array.from({ length: CLIENTS }, () => stack.use(officialClient(hub)))
  const sinceMs = performance.now()
  const refusals = await Promise.all(clients.map(startPatiently))
  const tookMs = performance.now() - sinceMs

  expect(hub.connections()).toHaveLength(1 + CLIENTS)
  // All but the first fifty had to wait for their second.
  expect(tookMs).toBeGreaterThan((1_000 * (CLIENTS - PER_SECOND)) / PER_SECOND - 1_000)
  // Nobody was asked who they are but those who were let in: when they negotiate, and when they connect.
  const refused = refusals.reduce((sum, count) => sum + count, 0)
  expect(refused).toBeGreaterThan(CLIENTS - 2 * PER_SECOND)
  expect(hub.server.figures.turnedAway).toBe(refused)
  expect(asked).toBe(1 + 2 * CLIENTS)
  await early.receives({ target: 'Tick', arguments: [ticks.last()] })
  const numbers = numbersOf(early)
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1))
  expect(hub.ended).toEqual([])
  process.stdout.write(`${CLIENTS} clients were in after ${Math.round(tookMs)} ms, with ${refused} refusals\n`)
}, 60_000)
