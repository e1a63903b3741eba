import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { HttpTransportType } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import type { ConnectionTokens, Forwarding } from '../src/index.ts'
import { negotiate, rawClient, refusedUpgrade, startHub, startedClient, type TestHub } from './fixture.ts'
import { send, statusOf } from './raw-http.ts'

/** `kind-home-number`, which any of the servers can read. */
function tokensOf(self: string): ConnectionTokens {
  let minted = 0
  return {
    mint({ isStateful }) {
      const connectionToken = `${isStateful ? 'stateful' : 'plain'}-${self}-${++minted}`
      return { connectionId: `id-${connectionToken}`, connectionToken }
    },
    read(token) {
      const [kind, home, number] = token.split('-')
      if (kind !== 'stateful' && kind !== 'plain') return null
      return {
        connectionId: `id-${token}`,
        isStateful: kind === 'stateful',
        home: home === self ? undefined : home,
        isExpired: number === 'expired',
      }
    },
  }
}

/** Byte for byte, to the only other server there is. */
function passOnTo(other: () => TestHub): Forwarding & { readonly passed: string[] } {
  const passed: string[] = []
  const here = (home: string, { method }: IncomingMessage) => passed.push(`${method} ${home}`)
  return {
    passed,
    request({ home }, request, response) {
      here(home, request)
      const { method, headers, url } = request
      const onward = httpRequest(new URL(url!, other().url), { method: method!, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        response.flushHeaders()
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      response.on('close', () => onward.destroy())
      request.pipe(onward)
    },
    upgrade({ home }, request, socket, head) {
      here(home, request)
      const { hostname, port } = new URL(other().url)
      const onward = connect(Number(port), hostname)
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`)
      onward.write(`GET ${request.url} HTTP/1.1\r\n${headers.join('')}\r\n`)
      onward.write(head)
      socket.pipe(onward).pipe(socket)
      for (const end of [socket, onward]) {
        end.on('error', () => {})
        end.on('close', () => (end === socket ? onward : socket).destroy())
      }
    },
  }
}

async function twoServers() {
  const authenticated: string[] = []
  const start = (name: string, forwarding: Forwarding) =>
    startHub({
      tokens: tokensOf(name),
      forwarding,
      allowOrigin: (origin) => origin === undefined,
      authenticate: ({ method }) => (authenticated.push(`${name} ${method}`), name),
      hub: { methods: { Echo: (_, value) => value, Home: (connection) => connection.identity } },
    })
  const toB = passOnTo(() => b)
  const a = await start('a', toB)
  const b: TestHub = await start(
    'b',
    passOnTo(() => a),
  )
  return {
    a,
    b,
    authenticated,
    passed: toB.passed,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    },
  }
}

/** Negotiates with one server and does everything else at another. */
const elsewhere = (from: TestHub, to: TestHub) => (input: { url?: string }) =>
  input.url?.includes('/negotiate') ? from.url : to.url

test.each([HttpTransportType.ServerSentEvents, HttpTransportType.LongPolling])(
  'the official client (transport %i) negotiates here and lives there, and its requests arrive wherever they land',
  async (transport) => {
    await using servers = await twoServers()
    const { a, b, authenticated, passed } = servers
    const where = elsewhere(b, a)
    const { DefaultHttpClient, NullLogger } = await import('@microsoft/signalr')
    const inner = new DefaultHttpClient(NullLogger.instance)
    const httpClient = {
      send: (request: { url?: string }) => inner.send({ ...request, url: request.url!.replace(a.url, where(request)) }),
      getCookieString: () => '',
    }
    await using client = await startedClient(a, { transport, httpClient: httpClient as never })
    expect(await client.invoke('Home')).toBe('b')
    expect(await client.invoke('Echo', 'x'.repeat(100_000))).toHaveLength(100_000)
    await client.stop()
    await expect.poll(() => b.ended).toMatchObject([{ reason: 'client closed' }])
    expect(new Set(passed)).toContain('GET b')
    expect(new Set(passed)).toContain('POST b')
    // Whoever keeps the connection asks who it is.
    expect(authenticated.every((entry) => entry.startsWith('b '))).toBe(true)
  },
)

test('a WebSocket is accepted where it lands, unless it was negotiated to come back', async () => {
  await using servers = await twoServers()
  const { a, b, passed } = servers
  const plain = await negotiate(b)
  await using _here = await rawClient(a, plain.query)
  expect([a.connections().length, b.connections().length, passed.length]).toEqual([1, 0, 0])
  expect((await refusedUpgrade(a, plain.query)).status).toBe(409)
  expect(await statusOf(a, plain.query, { method: 'POST' })).toBe(405)
  const stateful = await negotiate(b, { query: '?negotiateVersion=1&useStatefulReconnect=true' })
  await using _there = await rawClient(a, stateful.query)
  expect([a.connections().length, b.connections().length, passed.length]).toEqual([1, 1, 1])
  expect((await refusedUpgrade(a, '?id=stateful-b-99')).status).toBe(404)
})

test('a request that is passed on is not counted, and its origin is checked before', async () => {
  await using servers = await twoServers()
  const { a, b, passed } = servers
  const { query } = await negotiate(b)
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect(await statusOf(a, query, { method, headers: { origin: 'https://bad.example' } })).toBe(403)
  }
  expect(passed).toEqual([])
  expect(await statusOf(a, query, { method: 'PUT' })).toBe(405)
  expect(await send(a, '?id=forged')).toMatchObject({ status: 404, text: 'No Connection with that ID' })
})

test('without forwarding there are no connections elsewhere', async () => {
  await using hub = await startHub({ tokens: tokensOf('a') })
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect(await send(hub, '?id=plain-b-1', { method })).toMatchObject({
      status: 404,
      text: 'No Connection with that ID',
    })
  }
  expect((await refusedUpgrade(hub, '?id=stateful-b-1')).status).toBe(404)
  await using _client = await rawClient(hub, '?id=plain-b-1')
})

test('nobody connects for the first time with a token that another server minted too long ago', async () => {
  await using servers = await twoServers()
  expect((await refusedUpgrade(servers.a, '?id=plain-b-expired')).status).toBe(404)
  // It may be of a connection that is there still.
  expect((await refusedUpgrade(servers.a, '?id=stateful-b-expired')).status).toBe(404)
  expect(servers.passed).toEqual(['GET b'])
})
