import { setTimeout as delay } from 'node:timers/promises'
import { HttpTransportType } from '@microsoft/signalr'
import { describe, expect, test } from 'vitest'
import { HubRefusal, type TransportName } from '../src/index.ts'
import { negotiate, officialClient, rawClient, refusedUpgrade, startHub, startedClient } from './fixture.ts'
import { send, startEvents, startPoller, statusOf } from './raw-http.ts'

const ALL = ['WebSockets', 'ServerSentEvents', 'LongPolling'] as const
const EVENTS = { headers: { accept: 'text/event-stream' } }

describe.each(ALL)('the official client over %s', (name) => {
  const transport = HttpTransportType[name]

  test('calls and is called, in order, and leaves in good order', async () => {
    const received: number[] = []
    await using hub = await startHub({
      hub: {
        methods: {
          Echo: (_, value) => value,
          Count(connection, to) {
            for (let number = 0; number < Number(to); number++) connection.send('Number', number)
          },
          Name: (connection) => connection.transport,
        },
      },
    })
    await using client = await startedClient(hub, { transport })
    client.on('Number', (number: number) => void received.push(number))
    expect(await client.invoke('Name')).toBe(name)
    expect(await client.invoke('Echo', 'é\n👋')).toBe('é\n👋')
    await client.invoke('Count', 5_000)
    await expect.poll(() => received).toEqual(Array.from({ length: 5_000 }, (_, index) => index))
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => client.invoke('Echo', index)))
    expect(results).toEqual(Array.from({ length: 100 }, (_, index) => index))
    await client.stop()
    await expect.poll(() => hub.ended).toMatchObject([{ reason: 'client closed' }])
  })

  test('sends and gets megabytes', async () => {
    await using hub = await startHub({ hub: { methods: { Echo: (_, value) => value } } })
    await using client = await startedClient(hub, { transport })
    const texts = await Promise.all(Array.from({ length: 8 }, () => client.invoke<string>('Echo', 'x'.repeat(120_000))))
    expect(texts.map(({ length }) => length)).toEqual(Array.from({ length: 8 }, () => 120_000))
  })

  test('comes back when the server asks it to, and stays away when it does not', async () => {
    await using hub = await startHub()
    await using client = await startedClient(hub, { transport, reconnect: true })
    const reconnected = new Promise<string | undefined>((resolve) => client.onreconnected(resolve))
    const closed = new Promise<Error | undefined>((resolve) => client.onclose(resolve))
    const [first] = hub.connections()
    first!.close({ allowReconnect: true })
    expect(await reconnected).not.toBe(first!.id)
    await expect.poll(() => hub.connections().length).toBe(1)
    hub.connections()[0]!.close({ error: 'over' })
    expect((await closed)?.message).toContain('over')
    expect(hub.ended.map(({ reason }) => reason)).toEqual(['server closed', 'server closed'])
  })

  test('moves on when its server stops, which does not wait long for it', async () => {
    await using hub = await startHub()
    await using client = await startedClient(hub, { transport })
    const closed = new Promise((resolve) => client.onclose(resolve))
    const startedMs = performance.now()
    await hub.server.stop()
    await closed
    expect(performance.now() - startedMs).toBeLessThan(3_000)
    expect(hub.ended).toMatchObject([{ reason: 'server stopping' }])
  })

  test('lives on through many keep-alive intervals, and through polls without an answer', async () => {
    await using hub = await startHub({ keepAliveMs: 50, clientTimeoutMs: 400, pollTimeoutMs: 100 })
    await using client = officialClient(hub, { transport })
    client.serverTimeoutInMilliseconds = 600
    client.keepAliveIntervalInMilliseconds = 50
    await client.start()
    await delay(1_500)
    expect([client.state, hub.ended]).toEqual(['Connected', []])
  })

  test('carries its token in a header or in the query, which the app reads', async () => {
    await using hub = await startHub({
      authenticate({ headers, url }) {
        const token = new URL(url!, 'http://localhost').searchParams.get('access_token')
        if (headers.authorization !== 'Bearer secret' && token !== 'secret') throw new HubRefusal(401)
        return 'alice'
      },
      hub: { methods: { Echo: (_, value) => value } },
    })
    await using client = await startedClient(hub, { transport, accessTokenFactory: () => 'secret' })
    expect(await client.invoke('Echo', 1)).toBe(1)
    expect(hub.connections()).toMatchObject([{ identity: 'alice' }])
  })
})

test('a client that is offered what it cannot use takes the next', async () => {
  await using hub = await startHub({ hub: { methods: { Name: (connection) => connection.transport } } })
  class NoWebSocket {
    constructor() {
      throw new Error('There are none.')
    }
  }
  await using client = await startedClient(hub, {
    ...({ WebSocket: NoWebSocket } as object),
    transport: HttpTransportType.WebSockets | HttpTransportType.LongPolling,
  })
  expect(await client.invoke('Name')).toBe('LongPolling')
})

test('only the transports that the server names are offered, in its order, and only they are accepted', async () => {
  await using hub = await startHub({ transports: ['LongPolling', 'ServerSentEvents'] })
  const { body, query } = await negotiate(hub, { query: '?negotiateVersion=1&useStatefulReconnect=true' })
  expect(body['availableTransports']).toEqual([
    { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
    { transport: 'ServerSentEvents', transferFormats: ['Text'] },
  ])
  expect(body).not.toHaveProperty('useStatefulReconnect')
  expect((await refusedUpgrade(hub, query)).status).toBe(404)
  expect((await refusedUpgrade(hub)).status).toBe(404)
  await using client = await startedClient(hub, { transport: HttpTransportType.None | 7 })
  expect(hub.connections().map(({ transport }) => transport)).toEqual(['LongPolling'])
  expect(client.state).toBe('Connected')
  await using sockets = await startHub({ transports: ['WebSockets'] })
  for (const options of [{}, EVENTS]) {
    expect(await statusOf(sockets, (await negotiate(sockets)).query, options)).toBe(404)
  }
})

test('stateful reconnect is granted to those who ask, unless the server does not want it', async () => {
  const asking = { query: '?negotiateVersion=1&useStatefulReconnect=true' }
  await using hub = await startHub()
  expect((await negotiate(hub, asking)).body['useStatefulReconnect']).toBe(true)
  expect((await negotiate(hub)).body).not.toHaveProperty('useStatefulReconnect')
  const refusing = { query: '?negotiateVersion=1&useStatefulReconnect=false' }
  expect((await negotiate(hub, refusing)).body).not.toHaveProperty('useStatefulReconnect')
  await using without = await startHub({ allowStatefulReconnect: false })
  expect((await negotiate(without, asking)).body).not.toHaveProperty('useStatefulReconnect')
})

test('a connection is for the transport that opened it', async () => {
  await using hub = await startHub()
  await using poller = await startPoller(hub)
  await using events = await startEvents(hub)
  const { query } = await negotiate(hub)
  await using _socket = await rawClient(hub, query)
  expect(await statusOf(hub, poller.query, EVENTS)).toBe(400)
  expect((await refusedUpgrade(hub, poller.query)).status).toBe(400)
  expect(await statusOf(hub, events.query)).toBe(400)
  expect((await refusedUpgrade(hub, events.query)).status).toBe(400)
  expect(await statusOf(hub, query)).toBe(400)
  expect(await statusOf(hub, query, EVENTS)).toBe(400)
  expect((await refusedUpgrade(hub, query)).status).toBe(409)
  const post = await send(hub, query, { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET'])
  expect(await statusOf(hub, query, { method: 'DELETE' })).toBe(400)
  expect(await statusOf(hub, events.query, { method: 'DELETE' })).toBe(400)
  expect(hub.connections()).toHaveLength(3)
})

test.each(['GET', 'POST', 'DELETE'])('%s without an id gets a 400, with an unknown one a 404', async (method) => {
  await using hub = await startHub()
  for (const query of ['', '?id=', '?other=1']) {
    expect(await send(hub, query, { method })).toMatchObject({ status: 400, text: 'Connection ID required' })
  }
  expect(await send(hub, '?id=unknown', { method })).toMatchObject({ status: 404, text: 'No Connection with that ID' })
})

test.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD'])('%s makes no sense', async (method) => {
  await using hub = await startHub()
  await using poller = await startPoller(hub)
  const { status, headers } = await send(hub, poller.query, { method })
  expect([status, headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
})

test('each request of a connection is from who opened it', async () => {
  await using hub = await startHub({
    authenticate: ({ headers }) => headers.authorization ?? 'nobody',
    isSameIdentity: (opened, presented) => opened === presented,
  })
  await using poller = await startPoller(hub)
  await using events = await startEvents(hub)
  const { query } = await negotiate(hub)
  await using _socket = await rawClient(hub, query)
  const headers = { authorization: 'mallory' }
  for (const id of [poller.query, events.query, query]) {
    for (const method of ['GET', 'POST', 'DELETE']) expect(await statusOf(hub, id, { method, headers })).toBe(403)
    expect((await refusedUpgrade(hub, id, headers)).status).toBe(403)
  }
  expect(hub.connections()).toHaveLength(3)
})

test('once its identity was renewed, each request of a connection is compared with the new one', async () => {
  await using hub = await startHub({
    authenticate: ({ headers }) => headers.authorization ?? 'nobody',
    isSameIdentity: (opened, presented) => opened === presented,
  })
  await using poller = await startPoller(hub)
  hub.connections()[0]!.renewIdentity('somebody')
  expect(hub.connections()[0]!.identity).toBe('somebody')
  const statusBy = (authorization: string) =>
    statusOf(hub, poller.query, { method: 'POST', body: '', headers: { authorization } })
  expect(await statusBy('nobody')).toBe(403)
  expect(await statusBy('somebody')).not.toBe(403)
})

test('each request of a connection is authenticated, and its origin checked', async () => {
  const seen: [string, string][] = []
  await using hub = await startHub({
    allowOrigin: (origin) => origin !== 'https://bad.example',
    authenticate({ method, headers }, connectionId) {
      seen.push([method!, connectionId])
      if (headers.authorization === 'expired') throw new HubRefusal(401)
      return 'user'
    },
  })
  await using poller = await startPoller(hub)
  expect(seen.map(([method]) => method).toSorted()).toEqual(['GET', 'GET', 'POST', 'POST'])
  expect(new Set(seen.map(([, id]) => id))).toEqual(new Set([poller.connectionId]))
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect(await statusOf(hub, poller.query, { method, headers: { authorization: 'expired' } })).toBe(401)
    expect(await statusOf(hub, poller.query, { method, headers: { origin: 'https://bad.example' } })).toBe(403)
  }
  expect(hub.connections()).toHaveLength(1)
})

test.each(ALL.slice(1) as TransportName[])(
  'of clients that open one negotiation at the same time over %s and a WebSocket one gets it',
  async (transport) => {
    await using hub = await startHub({ authenticate: () => delay(10, 'user') })
    const { query } = await negotiate(hub)
    const leaving = new AbortController()
    const options = transport === 'ServerSentEvents' ? EVENTS : {}
    const plain = fetch(hub.url + query, { ...options, signal: leaving.signal })
    const socket = rawClient(hub, query)
    const outcomes = [
      await plain.then(({ status }) => status),
      await socket.then(
        () => 101,
        () => 'refused',
      ),
    ]
    expect(outcomes.filter((outcome) => outcome === 200 || outcome === 101)).toHaveLength(1)
    leaving.abort()
    if (outcomes[1] === 101) await (await socket)[Symbol.asyncDispose]()
    else await statusOf(hub, query, { method: 'DELETE' })
  },
)

test('who leaves while it is being authenticated gets no connection', async () => {
  const gate = Promise.withResolvers<string>()
  let asked = 0
  await using hub = await startHub({ authenticate: () => (++asked > 1 ? gate.promise : 'user') })
  const { query } = await negotiate(hub)
  const leaving = new AbortController()
  const left = fetch(hub.url + query, { ...EVENTS, signal: leaving.signal })
  await expect.poll(() => asked).toBe(2)
  leaving.abort()
  await expect(left).rejects.toThrow()
  await delay(30)
  gate.resolve('user')
  // Its negotiation is there still.
  expect(await statusOf(hub, query)).toBe(200)
  expect(await statusOf(hub, query, { method: 'DELETE' })).toBe(202)
})

test('a stopping server opens no connections over any transport, but serves those there are', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startHub({ hub: { methods: { Wait: () => gate.promise } } })
  const [first, second] = [await negotiate(hub), await negotiate(hub)]
  await using poller = await startPoller(hub)
  await poller.post({ type: 1, invocationId: '0', target: 'Wait', arguments: [] })
  const stopped = hub.server.stop()
  expect(await statusOf(hub, first.query)).toBe(503)
  expect(await statusOf(hub, first.query, EVENTS)).toBe(503)
  expect((await refusedUpgrade(hub, second.query)).status).toBe(503)
  expect((await poller.post({ type: 6 })).status).toBe(200)
  gate.resolve()
  let text = ''
  for (let answer = await poller.poll(); answer.status === 200; answer = await poller.poll()) text += answer.text
  expect(text).toContain('"type":3')
  expect(text).toContain('"allowReconnect":true')
  await stopped
})
