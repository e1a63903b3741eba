import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { encodeInvocation } from '../src/index.ts'
import { startHub, type TestHub } from './fixture.ts'
import { startHubProcess, type HubProcess } from './hub-process.ts'
import { slowReader } from './slow-reader.ts'
import { tickClient, type TickClient } from './tick-client.ts'

const QUICK = 250
const FED = 50
const FEED = { everyMs: 50, bytes: 64 * 1024 }
/** Ticks that each client must have got before its times are compared. */
const ENOUGH_TICKS = 40
const SEVERAL_TIMES = 5
const FEW_BYTES = 4 * 1024 * 1024

/** Waits until every client has got enough ticks; how long half of them took at most. */
async function medianMs(clients: readonly TickClient[]): Promise<number> {
  for (const { latenciesMs } of clients) latenciesMs.length = 0
  const fewest = () => Math.min(...clients.map(({ latenciesMs }) => latenciesMs.length))
  await expect.poll(fewest, { timeout: 20_000 }).toBeGreaterThanOrEqual(ENOUGH_TICKS)
  const all = clients.flatMap(({ latenciesMs }) => latenciesMs).toSorted((one, other) => one - other)
  return all[all.length >> 1]!
}

/** What Linux holds for the clients of a port, of sockets that a process has let go, too. */
async function kernelBytes({ port }: HubProcess): Promise<number> {
  const table = await readFile('/proc/net/tcp', 'utf8')
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  const queues = rows.filter(([, local]) => local?.endsWith(end) === true).map(([, , , , queue = '0']) => queue)
  return queues.reduce((sum, queue) => sum + Number.parseInt(queue, 16), 0)
}

test('50 of 300 clients that stop reading are closed and leave nothing behind, and the others do not notice', async () => {
  await using hub = await startHubProcess()
  using clients = new DisposableStack()
  const connect = (count: number, group?: string) =>
    Promise.all(Array.from({ length: count }, async () => clients.use(await tickClient(hub, group))))
  const quick = await connect(QUICK)
  const fed = await connect(FED, 'fed')
  await hub.order({ feed: FEED })
  // The first times are those of code that is not compiled yet.
  await medianMs(quick)
  const allReadMs = await medianMs(quick)
  await hub.order({ feed: null })
  const before = await hub.order({ collect: true })

  for (const { socket } of fed) socket.pause()
  await hub.order({ feed: FEED })
  const whileSlowMs = await medianMs(quick)
  const closed = async () => (await hub.order({})).figures.ended
  await expect.poll(closed, { timeout: 20_000 }).toEqual({ 'slow client': FED })
  const afterwardsMs = await medianMs(quick)
  await expect.poll(async () => (await hub.order({})).openSockets).toBe(QUICK)
  await hub.order({ feed: null })
  const after = await hub.order({ collect: true })

  const grownBytes = after.usedBytes - before.usedBytes
  const residentBytes = after.residentBytes - before.residentBytes
  const times = [allReadMs, whileSlowMs, afterwardsMs].map((ms) => ms.toFixed(1)).join(', ')
  process.stdout.write(
    `half of the ticks took ${times} ms; memory grew by ${grownBytes} bytes, ${residentBytes} resident\n`,
  )
  expect(grownBytes).toBeLessThan(FEW_BYTES)
  expect(whileSlowMs / allReadMs).toBeLessThan(SEVERAL_TIMES)
  expect(afterwardsMs / allReadMs).toBeLessThan(SEVERAL_TIMES)
  if (process.platform === 'linux') await expect.poll(() => kernelBytes(hub)).toBe(0)
}, 90_000)

const CHUNK = encodeInvocation('Chunk', ['x'.repeat(64 * 1024)])

// Tests that run at the same time cannot use `expect.poll`.
const allSocketsGone = (hub: TestHub) => vi.waitUntil(async () => (await hub.openSockets()) === 0, { timeout: 10_000 })

/** Sends until more waits for the only client than it takes. */
async function fill(hub: TestHub): Promise<void> {
  await vi.waitUntil(() => hub.connections().length === 1)
  const connection = hub.connections()[0]!
  const isStuck = () => {
    if (!connection.isSlow) connection.sendFrame(CHUNK)
    return connection.isSlow
  }
  await vi.waitUntil(isStuck, { timeout: 10_000, interval: 1 })
}

test.concurrent.each([
  ['nothing', 0],
  ['1 KB a second', 1024],
])('a client that reads %s is closed when the oldest byte has waited for 10 s', async (_, bytesPerSecond) => {
  await using hub = await startHub()
  using _client = await slowReader(hub, bytesPerSecond)
  await fill(hub)
  const sinceMs = performance.now()
  await vi.waitUntil(() => hub.ended.length > 0, { timeout: 15_000 })
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['slow client'])
  expect(performance.now() - sinceMs).toBeGreaterThan(8_000)
  await allSocketsGone(hub)
})

test.concurrent('a client that says goodbye and does not read the answer is cut off', async () => {
  await using hub = await startHub()
  using client = await slowReader(hub, 0)
  await fill(hub)
  client.close()
  await allSocketsGone(hub)
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['client closed'])
})
