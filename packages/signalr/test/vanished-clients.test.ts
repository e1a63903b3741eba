import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { HttpTransportType, HubConnectionBuilder, LogLevel, type HubConnection } from '@microsoft/signalr'
import { expect, test, vi } from 'vitest'
import { breakableProxy } from './breakable-proxy.ts'
import { startHub, type TestHub } from './fixture.ts'

const program = fileURLToPath(new URL('processes/official-client.ts', import.meta.url))
const GONE_MS = 35_000
const echo = { methods: { Echo: (_: unknown, value: unknown) => value } }

/** Waits until the hub was told and nothing is left of its only connection, with the times it has by default. */
async function expectGone(hub: TestHub): Promise<void> {
  expect(hub.connections()).toHaveLength(1)
  const sinceMs = performance.now()
  const within = { timeout: GONE_MS + 5_000, interval: 50 }
  // Tests that run at the same time cannot use `expect.poll`.
  await vi.waitUntil(() => hub.ended.length > 0, within)
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['client timeout'])
  await vi.waitUntil(async () => (await hub.openSockets()) === 0, within)
  expect(performance.now() - sinceMs).toBeLessThan(GONE_MS)
  expect(hub.connections()).toEqual([])
}

const connectionTo = ({ url }: { url: string }) =>
  new HubConnectionBuilder().withUrl(url, { transport: HttpTransportType.WebSockets }).configureLogging(LogLevel.None)

const closing = (client: HubConnection) => Object.assign(client, { [Symbol.asyncDispose]: () => client.stop() })

test.concurrent('a client whose process is stopped is gone within 35 s', { timeout: 60_000 }, async () => {
  await using hub = await startHub()
  const child = spawn(process.execPath, [program, hub.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  try {
    await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    await expectGone(hub)
  } finally {
    child.kill('SIGKILL')
    await exited
  }
})

test.concurrent.each([
  ['a client', connectionTo],
  [
    'a client that may come back to its connection',
    (proxy: { url: string }) => connectionTo(proxy).withStatefulReconnect(),
  ],
])('%s behind a network that swallows everything is gone within 35 s', { timeout: 60_000 }, async (_, build) => {
  await using hub = await startHub({ hub: echo })
  await using proxy = await breakableProxy(hub)
  await using client = closing(build(proxy).build())
  await client.start()
  expect(await client.invoke('Echo', 'here')).toBe('here')
  proxy.swallow()
  await expectGone(hub)
})

test.concurrent('a client to which much is sent meanwhile is gone just as soon', { timeout: 60_000 }, async () => {
  await using hub = await startHub({ hub: echo })
  await using proxy = await breakableProxy(hub)
  await using client = closing(connectionTo(proxy).build())
  await client.start()
  proxy.swallow()
  const telling = setInterval(() => hub.server.clients.all.send('Told', 'x'.repeat(1_000)), 20)
  await expectGone(hub).finally(() => clearInterval(telling))
})
