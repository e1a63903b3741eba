import { expect, test } from 'vitest'
import { startHubProcess } from './hub-process.ts'
import { tickClient } from './tick-client.ts'

const CONNECTIONS = 2_000
const AT_ONCE = 100
/** Half as much again as measured, on the heap and beside it: 3,900. What the operating system holds is not in it. */
const MOST_BYTES = 5_850

test('a connection that is idle costs few bytes', async () => {
  await using hub = await startHubProcess()
  using clients = new DisposableStack()
  // The first ones pay for what all share.
  for (let count = 0; count < AT_ONCE; count++) clients.use(await tickClient(hub))
  const before = await hub.order({ collect: true })
  for (let count = 0; count < CONNECTIONS; count += AT_ONCE) {
    for (const client of await Promise.all(Array.from({ length: AT_ONCE }, () => tickClient(hub)))) clients.use(client)
  }
  const after = await hub.order({ collect: true })
  expect(after.figures.connections.WebSockets).toBe(AT_ONCE + CONNECTIONS)
  const bytes = Math.round((after.usedBytes - before.usedBytes) / CONNECTIONS)
  const resident = Math.round((after.residentBytes - before.residentBytes) / CONNECTIONS)
  process.stdout.write(`an idle connection: ${bytes} bytes on the heap and beside it, ${resident} resident\n`)
  expect(bytes).toBeLessThan(MOST_BYTES)
  expect(bytes).toBeGreaterThan(1_000)
}, 60_000)
