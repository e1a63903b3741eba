import { expect, test } from 'vitest'
import { startBareWebSockets } from '../src/bare-web-sockets.ts'
import { startLoad } from '../src/load/start-load.ts'

test.each([20, 1_000, 200_000])('all clients hear a text of %d bytes, each once', async (bytes) => {
  await using bare = await startBareWebSockets([])
  await using load = await startLoad({ ports: [bare.port], connections: 50, users: null })
  const marker = 'x'.repeat(bytes)
  const broadcast = () => load.broadcast({ marker, send: () => bare.broadcast(marker), timeoutMs: 10_000 })
  for (const heard of [await broadcast(), await broadcast()]) {
    expect(heard).toMatchObject({ deliveries: 50, lost: 0 })
    expect(heard.lastAfterMs).toBeGreaterThan(0)
    expect(heard.lastAfterMs).toBeLessThan(10_000)
  }
})

test('connections that the server ends are counted as lost', async () => {
  await using bare = await startBareWebSockets([])
  await using load = await startLoad({ ports: [bare.port], connections: 20, users: null })
  const hear = () => load.broadcast({ marker: 'nobody', send: () => Promise.resolve(0n), timeoutMs: 100 })
  expect(await hear()).toMatchObject({ deliveries: 0, lost: 0 })
  await bare[Symbol.asyncDispose]()
  await expect.poll(async () => (await hear()).lost).toBe(20)
})
