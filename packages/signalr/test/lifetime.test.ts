import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createHubServer, HubError, type DisconnectReason, type HubConnection } from '../src/index.ts'
import { officialClient, rawClient, rawSocket, startHub, startedClient, type TestHub } from './fixture.ts'

const reasons = (hub: TestHub): DisconnectReason[] => hub.ended.map(({ reason }) => reason)

test('a client to which nothing was sent gets a ping, and answers it with its own', async () => {
  await using hub = await startHub({ keepAliveMs: 100, clientTimeoutMs: 1_000 })
  await using client = officialClient(hub)
  client.serverTimeoutInMilliseconds = 800
  client.keepAliveIntervalInMilliseconds = 300
  let closed = 0
  client.onclose(() => closed++)
  await client.start()
  await delay(2_000)
  expect([closed, reasons(hub)]).toEqual([0, []])
})

test('a client to which something was sent gets no ping', async () => {
  await using hub = await startHub({ keepAliveMs: 200 })
  await using client = await rawClient(hub)
  const talking = setInterval(() => hub.connections()[0]?.send('Tick'), 20)
  await delay(600)
  clearInterval(talking)
  expect(client.messages.filter(({ type }) => type === 6)).toEqual([])
  await client.receives({ type: 6 })
})

test('a silent client is closed, and may reconnect', async () => {
  await using hub = await startHub({ keepAliveMs: 50, clientTimeoutMs: 100 })
  await using client = await rawClient(hub)
  expect(await client.closed).toEqual({ code: 1000 })
  expect(client.messages.at(-1)).toEqual({ type: 7, error: 'Connection closed with an error.', allowReconnect: true })
  expect(reasons(hub)).toEqual(['client timeout'])
})

test('a client is not timed out while a method of it runs', async () => {
  const gate = Promise.withResolvers<string>()
  await using hub = await startHub({
    keepAliveMs: 50,
    clientTimeoutMs: 100,
    hub: { methods: { Wait: () => gate.promise } },
  })
  await using client = await rawClient(hub)
  client.send({ type: 1, invocationId: '0', target: 'Wait', arguments: [] })
  await delay(400)
  expect(reasons(hub)).toEqual([])
  gate.resolve('done')
  await client.receives({ type: 3, result: 'done' })
  await client.closed
  expect(reasons(hub)).toEqual(['client timeout'])
})

test('the hub is told once that a client left in good order', async () => {
  await using hub = await startHub()
  const ends: ((client: Awaited<ReturnType<typeof rawClient>>) => void)[] = [
    (client) => client.send({ type: 7 }),
    (client) => client.socket.close(1000),
    (client) => client.socket.close(1001),
    (client) => client.socket.close(),
    (client) => {
      client.send({ type: 7 })
      client.socket.close()
    },
  ]
  for (const end of ends) {
    const client = await rawClient(hub)
    end(client)
    await client.closed
  }
  const official = await startedClient(hub)
  await official.stop()
  await expect.poll(() => reasons(hub)).toEqual(Array.from({ length: 6 }, () => 'client closed'))
  expect(hub.connections()).toEqual([])
})

test('the hub is told once that a client was lost', async () => {
  await using hub = await startHub()
  const client = await rawClient(hub)
  client.socket.terminate()
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
})

test('a connection that never shook hands is nothing to the hub', async () => {
  let connected = 0
  await using hub = await startHub({ hub: { onConnected: () => connected++ } })
  const client = await rawSocket(hub)
  client.socket.close()
  await client.closed
  expect([connected, hub.ended]).toEqual([0, []])
})

test('close without allowReconnect ends the official client for good, with the error', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub, { reconnect: true })
  const closed = Promise.withResolvers<Error | undefined>()
  client.onclose(closed.resolve)
  client.onreconnecting(() => closed.reject(new Error('it reconnects')))
  hub.connections()[0]!.close({ error: 'session_ended: You signed out.' })
  expect((await closed.promise)?.message).toContain('session_ended: You signed out.')
  expect(reasons(hub)).toEqual(['server closed'])
  expect(hub.connections()).toEqual([])
})

test('close with allowReconnect makes the official client come back with another id', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub, { reconnect: true })
  const reconnected = Promise.withResolvers<string | undefined>()
  client.onreconnected(reconnected.resolve)
  const [first] = hub.connections()
  first!.send('Last')
  first!.close({ allowReconnect: true })
  first!.close()
  first!.send('Never')
  expect(await reconnected.promise).not.toBe(first!.id)
  expect(reasons(hub)).toEqual(['server closed'])
  expect(hub.connections()).toHaveLength(1)
})

test('close comes behind everything that was sent before it', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  const connection = hub.connections()[0]!
  for (let index = 0; index < 1_000; index++) connection.send('Tick', index, 'x'.repeat(500))
  connection.close({ allowReconnect: true })
  await client.closed
  expect(client.messages).toHaveLength(1_002)
  expect(client.messages.at(-2)).toMatchObject({ arguments: [999, 'x'.repeat(500)] })
  expect(client.messages.at(-1)).toEqual({ type: 7, allowReconnect: true })
})

test.each([
  [
    'at once',
    () => {
      throw new Error('secret')
    },
  ],
  ['later', () => Promise.reject(new Error('secret'))],
])('a hub that throws %s in onConnected ends the connection for good', async (_, onConnected) => {
  await using hub = await startHub({ hub: { onConnected } })
  await using client = await rawClient(hub)
  await client.closed
  expect(client.messages).toEqual([{}, { type: 7, error: 'Connection closed with an error.' }])
  expect(reasons(hub)).toEqual(['connect failed'])
  expect(hub.connections()).toEqual([])
})

test('a hub says by a HubError why it does not take a connection in', async () => {
  await using hub = await startHub({ hub: { onConnected: () => Promise.reject(new HubError('forbidden: Not you.')) } })
  await using client = await rawClient(hub)
  await client.receives({ type: 7, error: 'forbidden: Not you.' })
})

test('a hub may close a connection while it is told of it, and hears of its end behind that', async () => {
  const order: string[] = []
  await using hub = await startHub({
    hub: {
      async onConnected(connection) {
        connection.close()
        await delay(20)
        order.push('connected')
      },
      onDisconnected: () => void order.push('disconnected'),
    },
  })
  await using client = await rawClient(hub)
  await client.closed
  await expect.poll(() => order).toEqual(['connected', 'disconnected'])
  expect(reasons(hub)).toEqual(['server closed'])
})

test('onDisconnected comes behind onConnected and behind the last method', async () => {
  const order: string[] = []
  const connecting = Promise.withResolvers<void>()
  const working = Promise.withResolvers<void>()
  let pending: HubConnection<string> | undefined
  await using hub = await startHub({
    hub: {
      methods: {
        async Work() {
          order.push('work')
          await working.promise
          order.push('worked')
        },
        Never: () => order.push('never'),
      },
      async onConnected(connection) {
        pending = connection
        await connecting.promise
        order.push('connected')
      },
      onDisconnected: () => void order.push('disconnected'),
    },
  })
  const early = await rawClient(hub)
  early.socket.terminate()
  await expect.poll(() => hub.connections().length).toBe(0)
  expect(order).toEqual([])
  connecting.resolve()
  await expect.poll(() => order).toEqual(['connected', 'disconnected'])
  pending!.send('Nobody')

  order.length = 0
  const busy = await rawClient(hub)
  busy.send({ type: 1, target: 'Work', arguments: [] }, { type: 1, target: 'Never', arguments: [] })
  await expect.poll(() => order).toEqual(['connected', 'work'])
  busy.socket.terminate()
  await expect.poll(() => hub.connections().length).toBe(0)
  working.resolve()
  await expect.poll(() => order).toEqual(['connected', 'work', 'worked', 'disconnected'])
})

test('a method that never ends delays onDisconnected only so long', async () => {
  await using hub = await startHub({
    invocationGraceMs: 50,
    hub: { methods: { Hang: () => new Promise(() => {}) } },
  })
  const client = await rawClient(hub)
  client.send({ type: 1, target: 'Hang', arguments: [] }, { type: 7 })
  await expect.poll(() => reasons(hub)).toEqual(['client closed'])
})

test('an error in onDisconnected harms nobody', async () => {
  const errors: unknown[] = []
  await using hub = await startHub({
    log: { debug() {}, warn() {}, error: (fields) => errors.push(fields) },
    hub: { onDisconnected: () => Promise.reject(new Error('broken')) },
  })
  const client = await rawClient(hub)
  client.socket.terminate()
  await expect.poll(() => errors).toMatchObject([{ error: { message: 'broken' } }])
})

test('stop asks clients to reconnect, spread over time, after what they had invoked', async () => {
  const working = Promise.withResolvers<string>()
  let atWork = 0
  const Work = () => {
    atWork++
    return working.promise
  }
  await using hub = await startHub({ hub: { methods: { Work } } })
  const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(hub)))
  clients[0]!.send({ type: 1, invocationId: '0', target: 'Work', arguments: [] })
  await expect.poll(() => atWork).toBe(1)
  const closedAtMs: number[] = []
  for (const client of clients) client.socket.on('close', () => closedAtMs.push(performance.now()))
  const startedMs = performance.now()
  const stopped = hub.server.stop({ overMs: 400 })
  await expect.poll(() => closedAtMs.length).toBe(19)
  working.resolve('done')
  await stopped
  expect(clients[0]!.messages.slice(-2)).toEqual([
    { type: 3, invocationId: '0', result: 'done' },
    { type: 7, allowReconnect: true },
  ])
  for (const client of clients) expect(client.messages.at(-1)).toEqual({ type: 7, allowReconnect: true })
  expect(reasons(hub)).toEqual(Array.from({ length: 20 }, () => 'server stopping'))
  expect(Math.max(...closedAtMs) - startedMs).toBeGreaterThan(300)
  expect(Math.max(...closedAtMs) - Math.min(...closedAtMs)).toBeGreaterThan(150)
})

test('a stopping server turns new clients away, and a hanging method holds it up only so long', async () => {
  let hanging = 0
  await using hub = await startHub({
    invocationGraceMs: 300,
    hub: { methods: { Hang: () => new Promise(() => hanging++) } },
  })
  await using client = await rawClient(hub)
  await using _silent = await rawSocket(hub)
  client.send({ type: 1, target: 'Hang', arguments: [] })
  await expect.poll(() => hanging).toBe(1)
  const stopped = hub.server.stop()
  expect((await fetch(`${hub.url}/negotiate`, { method: 'POST' })).status).toBe(503)
  await expect(rawSocket(hub)).rejects.toThrow('503')
  await stopped
  expect(reasons(hub)).toEqual(['server stopping'])
})

test('a hub keeps a state of its own for each connection', async () => {
  interface Counter {
    count: number
  }
  const counts: number[] = []
  await using server = createHubServer<string, Counter>({
    path: '/hubs/test',
    authenticate: () => 'user',
    hub: {
      createState: () => ({ count: 0 }),
      methods: { Count: (connection) => ++connection.state.count },
      onDisconnected: (connection) => counts.push(connection.state.count),
    },
  })
  // @ts-expect-error a hub with a state says how it begins
  const _refused = () => createHubServer<string, Counter>({ path: '/', authenticate: () => '', hub: { methods: {} } })
  const http = createServer(server.handleRequest)
  server.attach(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hubs/test`
  const [first, second] = [await startedClient({ url }), await startedClient({ url })]
  expect([await first.invoke('Count'), await first.invoke('Count'), await second.invoke('Count')]).toEqual([1, 2, 1])
  await first.stop()
  await expect.poll(() => counts).toEqual([2])
  await second.stop()
  http.close()
})
