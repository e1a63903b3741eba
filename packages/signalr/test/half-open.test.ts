import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { rawClient, startHub, type TestHub } from './fixture.ts'

/** Half a minute of silence, the ticks in which it is looked for, and a busy machine. */
const GONE_WITHIN_MS = 35_000

/** A client in a process of its own, which can be stopped. */
async function clientProcess({ url }: TestHub) {
  const script = `
    const socket = new WebSocket(${JSON.stringify(url.replace('http', 'ws'))})
    socket.onopen = () => socket.send('{"protocol":"json","version":1}\\u001e')
    socket.onmessage = () => process.stdout.write('.')
    setInterval(() => socket.send('{"type":6}\\u001e'), 1_000)`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    stop: () => child.kill('SIGSTOP'),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A way to the hub that can swallow everything, both ways and for ever, without ending anything. */
async function swallowingProxy(hub: TestHub) {
  const sockets: Socket[] = []
  let swallows = false
  const listener = createServer((client) => {
    const server = connect(Number(new URL(hub.url).port), '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.push(from)
      from.on('error', () => undefined)
      from.on('data', (bytes) => void (swallows || to.write(bytes)))
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    url: hub.url.replace(/:\d+\//, `:${port}/`),
    swallow: () => void (swallows = true),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

test('clients that are there no more without a word are gone within 35 s, and keep nothing open', async () => {
  await using hub = await startHub()
  await using stopped = await clientProcess(hub)
  await using proxy = await swallowingProxy(hub)
  await using _lost = await rawClient(proxy)
  await expect.poll(() => hub.connections().length).toBe(2)
  stopped.stop()
  proxy.swallow()
  const within = { timeout: GONE_WITHIN_MS, interval: 100 }
  await expect.poll(() => hub.ended.map(({ reason }) => reason), within).toEqual(['client timeout', 'client timeout'])
  expect(hub.connections()).toEqual([])
  await expect.poll(() => hub.openSockets(), { timeout: 10_000 }).toBe(0)
}, 60_000)
