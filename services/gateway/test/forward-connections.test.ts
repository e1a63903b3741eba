import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { execPath } from 'node:process'
import { silentLog } from '@parley/testing'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { forwardConnections, type ForwardingLimits } from '../src/hub/forward-connections.ts'

const PATIENCE = { timeout: 5_000, interval: 5 }

interface Listening extends AsyncDisposable {
  readonly url: string
  readonly server: Server
  /** The TCP connections that are open. */
  readonly sockets: ReadonlySet<Socket>
}

async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    sockets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const startHome = (listener: RequestListener) => listening(createHttpServer(listener))

/** A gateway that keeps nothing itself: all that it gets belongs to the home at this address. */
async function startLanding(address: string | undefined, limits: Partial<ForwardingLimits> = {}) {
  const forwarding = forwardConnections({ addressOf: async () => address, log: silentLog, limits })
  const server = createHttpServer((request, response) =>
    forwarding.request({ home: '7', connectionId: 'c' }, request, response),
  )
  server.on('upgrade', (request, socket, head) =>
    forwarding.upgrade({ home: '7', connectionId: 'c' }, request, socket, head),
  )
  const landing = await listening(server)
  return {
    ...landing,
    forwarding,
    async [Symbol.asyncDispose]() {
      await forwarding.stop({ overMs: 0 })
      await landing[Symbol.asyncDispose]()
    },
  }
}

const bodyOf = async (message: IncomingMessage) => Buffer.concat(await message.toArray()).toString()

/** What an upgrade is answered with, when it is not accepted. */
async function upgrade(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers })
  const outcome = Promise.withResolvers<{ status: number; body: string }>()
  socket.on('error', outcome.reject)
  socket.on('open', () => outcome.reject(new Error('it was accepted')))
  socket.on('unexpected-response', (_request, response: IncomingMessage) => {
    void bodyOf(response).then((body) => outcome.resolve({ status: response.statusCode ?? 0, body }))
  })
  return outcome.promise
}

const GONE = { status: 404, body: 'No Connection with that ID' }

async function post(url: string, init: RequestInit = {}) {
  const response = await fetch(url, { method: 'POST', body: 'hello', ...init })
  return { status: response.status, body: await response.text() }
}

/** Takes connections and says nothing. */
const startMute = () => listening(createTcpServer((socket) => void socket.resume()))

/** Takes no more connections and refuses none: a process that was stopped, with as many waiting as it lets wait. */
async function startUnreachable(): Promise<{ readonly url: string } & Disposable> {
  const program = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    console.log(this.address().port)
  })`
  const process = spawn(execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(process.stdout, 'data')).map(Number) as [number]
  process.kill('SIGSTOP')
  const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await vi.waitUntil(() => waiting.filter(({ connecting }) => !connecting).length > 1, PATIENCE)
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      for (const socket of waiting) socket.destroy()
      process.kill('SIGKILL')
    },
  }
}

describe('a request for a connection that lives elsewhere', () => {
  test('reaches its home as it was sent, and the answer comes back as it was given', async () => {
    const heard: { method: string | undefined; url: string | undefined; headers: object; body: string }[] = []
    await using home = await startHome((request, response) => {
      const { method, url, headers } = request
      void bodyOf(request).then((body) => {
        heard.push({ method, url, headers, body })
        response.writeHead(202, { 'content-type': 'application/octet-stream', 'x-of-home': 'yes' })
        response.end(Buffer.from([0, 30, 255]))
      })
    })
    await using landing = await startLanding(home.url)
    const path = '/hubs/chat?id=a.b&access_token=x%20y&x='
    const response = await fetch(landing.url + path, {
      method: 'DELETE',
      headers: { authorization: 'Bearer t', 'user-agent': 'a client', 'x-forwarded-for': '10.9.8.7' },
      body: 'hello',
    })
    expect([...(await response.bytes())]).toEqual([0, 30, 255])
    expect(response.status).toBe(202)
    expect(response.headers.get('x-of-home')).toBe('yes')
    expect(heard).toEqual([
      {
        method: 'DELETE',
        url: path,
        body: 'hello',
        headers: expect.objectContaining({
          host: new URL(landing.url).host,
          authorization: 'Bearer t',
          'user-agent': 'a client',
          'x-forwarded-for': '10.9.8.7',
          'x-forwarded-proto': 'http',
        }),
      },
    ])
  })

  test('goes over connections that are kept open', async () => {
    await using home = await startHome((_request, response) => void response.end('ok'))
    let opened = 0
    home.server.on('connection', () => opened++)
    await using landing = await startLanding(home.url)
    for (let index = 0; index < 10; index++) expect((await post(landing.url)).body).toBe('ok')
    expect(opened).toBe(1)
  })

  test('leaves it to this gateway whether its client keeps its connection', async () => {
    await using home = await startHome((_request, response) => void response.setHeader('connection', 'close').end('ok'))
    await using landing = await startLanding(home.url)
    const connectionOf = async () => (await fetch(landing.url)).headers.get('connection')
    expect(await connectionOf()).toBe('keep-alive')
    const last = httpRequest(landing.url, { headers: { connection: 'close' } }).end()
    const [answer] = (await once(last, 'response')) as [IncomingMessage]
    expect(answer.headers.connection).toBe('close')
    answer.resume()
    landing.server.on('request', (_request, response: ServerResponse) => response.setHeader('connection', 'close'))
    expect(await connectionOf()).toBe('close')
  })

  test('is streamed both ways, event by event', async () => {
    const posted: string[] = []
    await using home = await startHome((request, response) => {
      if (request.method === 'POST') {
        request.on('data', (chunk) => posted.push(String(chunk)))
        request.on('end', () => response.end())
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(':\r\n\r\n')
      home.server.on('say', (text: string) => response.write(`data: ${text}\r\n\r\n`))
    })
    await using landing = await startLanding(home.url)
    const stream = await fetch(landing.url)
    let seen = ''
    const reading = (async () => {
      for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) seen += chunk
    })().catch(() => {})
    await expect.poll(() => seen, PATIENCE).toBe(':\r\n\r\n')
    home.server.emit('say', 'one')
    await expect.poll(() => seen, PATIENCE).toContain('data: one')
    home.server.emit('say', 'two')
    await expect.poll(() => seen, PATIENCE).toContain('data: two')

    const sending = httpRequest(landing.url, { method: 'POST' })
    sending.on('error', () => {})
    sending.write('part 1')
    await expect.poll(() => posted, PATIENCE).toEqual(['part 1'])
    sending.end('part 2')
    await expect.poll(() => posted, PATIENCE).toEqual(['part 1', 'part 2'])
    // The stream ends with its home.
    for (const socket of home.sockets) socket.destroy()
    await reading
  })

  test('that is parked ends at its home when the client goes away', async () => {
    let ended = false
    await using home = await startHome((_request, response) => void response.once('close', () => (ended = true)))
    await using landing = await startLanding(home.url)
    const leaving = new AbortController()
    const poll = fetch(landing.url, { signal: leaving.signal }).catch(() => 'aborted')
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(1)
    leaving.abort()
    expect(await poll).toBe('aborted')
    await expect.poll(() => ended, PATIENCE).toBe(true)
  })

  test('whose client goes away before the home is found goes nowhere', async () => {
    let asked = 0
    await using home = await startHome((_request, response) => {
      asked++
      response.end()
    })
    const found = Promise.withResolvers<string>()
    const forwarding = forwardConnections({ addressOf: () => found.promise, log: silentLog })
    const gone = Promise.withResolvers<void>()
    await using landing = await startHome((request, response) => {
      response.once('close', gone.resolve)
      forwarding.request({ home: '7', connectionId: 'c' }, request, response)
    })
    const leaving = new AbortController()
    const request = fetch(landing.url, { signal: leaving.signal }).catch(() => 'aborted')
    await expect.poll(() => landing.sockets.size, PATIENCE).toBe(1)
    leaving.abort()
    await Promise.all([request, gone.promise])
    found.resolve(home.url)
    await post(home.url)
    expect(asked).toBe(1)
  })

  test('is answered with 404 when its home is unknown, gone, mute, or breaks off', async () => {
    await using unknown = await startLanding(undefined)
    expect(await post(unknown.url)).toEqual(GONE)

    const dead = await startMute()
    await dead[Symbol.asyncDispose]()
    await using landing = await startLanding(dead.url)
    expect(await post(landing.url)).toEqual(GONE)

    await using mute = await startMute()
    await using patient = await startLanding(mute.url, { silenceMs: 50 })
    expect(await post(patient.url)).toEqual(GONE)
    expect(await post(patient.url, { method: 'GET', body: null })).toEqual(GONE)
    await expect.poll(() => mute.sockets.size, PATIENCE).toBe(0)

    await using breaking = await startHome((request) => request.socket.destroy())
    await using unlucky = await startLanding(breaking.url)
    expect(await post(unlucky.url)).toEqual(GONE)
  })

  test('is answered with 404 when its home cannot be reached in time', async () => {
    using unreachable = await startUnreachable()
    await using landing = await startLanding(unreachable.url, { connectMs: 100, upgradeMs: 100 })
    expect(await post(landing.url)).toEqual(GONE)
    expect(await upgrade(landing.url)).toEqual(GONE)
  })

  test('is answered with 404 when its home cannot be looked up', async () => {
    const forwarding = forwardConnections({ addressOf: () => Promise.reject(new Error('no')), log: silentLog })
    await using landing = await startHome((request, response) =>
      forwarding.request({ home: '7', connectionId: 'c' }, request, response),
    )
    expect(await post(landing.url)).toEqual(GONE)
  })

  test('is passed on once, though gateways take each other for its home', async () => {
    const addresses: Record<string, string> = {}
    const forwarding = forwardConnections({ addressOf: async (home) => addresses[home], log: silentLog })
    await using one = await startHome((request, response) =>
      forwarding.request({ home: 'other', connectionId: 'c' }, request, response),
    )
    await using other = await startHome((request, response) =>
      forwarding.request({ home: 'one', connectionId: 'c' }, request, response),
    )
    Object.assign(addresses, { one: one.url, other: other.url })
    expect(await post(one.url)).toEqual(GONE)
    expect(await post(one.url, { headers: { 'x-parley-forwarded': '1' } })).toEqual(GONE)
    await forwarding.stop({ overMs: 0 })
  })

  test('is refused for a while when too many are passed on', async () => {
    await using home = await startHome(() => {})
    await using landing = await startLanding(home.url, { atOnce: 2 })
    const leaving = new AbortController()
    const parked = [1, 2].map(() => fetch(landing.url, { signal: leaving.signal }).catch(() => 'aborted'))
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(2)
    const refused = await fetch(landing.url, { method: 'POST' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[123]$/)])
    expect((await upgrade(landing.url)).status).toBe(503)
    leaving.abort()
    await Promise.all(parked)
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(0)
  })

  test('is refused when too many of one connection are passed on, and others are not', async () => {
    await using home = await startHome(() => {})
    const forwarding = forwardConnections({
      addressOf: async () => home.url,
      log: silentLog,
      limits: { perConnection: 2 },
    })
    await using landing = await startHome((request, response) =>
      forwarding.request({ home: '7', connectionId: request.url! }, request, response),
    )
    const leaving = new AbortController()
    const park = (path: string) => fetch(landing.url + path, { signal: leaving.signal }).catch(() => 'aborted')
    const parked = [park('/one'), park('/one')]
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(2)
    expect((await fetch(`${landing.url}/one`, { method: 'POST' })).status).toBe(429)
    parked.push(park('/other'))
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(3)
    leaving.abort()
    await Promise.all(parked)
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(0)
    const back = new AbortController()
    parked.push(fetch(`${landing.url}/one`, { signal: back.signal }).catch(() => 'aborted'))
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(1)
    back.abort()
    await Promise.all(parked)
    await forwarding.stop({ overMs: 0 })
  })

  test('is broken off when the gateway that passes it on stops, so that its client comes back by another', async () => {
    await using home = await startHome(() => {})
    await using landing = await startLanding(home.url)
    const parked = fetch(landing.url).catch(() => 'broken off')
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(1)
    await landing.forwarding.stop({ overMs: 20 })
    expect(await parked).toBe('broken off')
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(0)
  })
})

describe('an upgrade for a connection that lives elsewhere', () => {
  /** A home whose WebSockets echo. */
  async function startEcho() {
    const ends: number[] = []
    const urls: (string | undefined)[] = []
    const home = await startHome((_request, response) => void response.end())
    const webSockets = new WebSocketServer({ noServer: true })
    home.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      urls.push(request.url)
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }))
        webSocket.on('close', (code) => ends.push(code))
        webSocket.on('error', () => {})
      })
    })
    return { ...home, ends, urls, webSockets }
  }

  async function opened(url: string) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/hubs/chat?id=a.b`)
    const received: string[] = []
    const closed = Promise.withResolvers<number>()
    socket.on('message', (data: Buffer) => received.push(data.toString()))
    socket.on('error', () => {})
    socket.on('close', closed.resolve)
    await vi.waitUntil(() => socket.readyState === WebSocket.OPEN, PATIENCE)
    return { socket, received, closed: closed.promise }
  }

  test('opens a socket to its home', async () => {
    await using home = await startEcho()
    await using landing = await startLanding(home.url)
    const { socket, received, closed } = await opened(landing.url)
    const texts = Array.from({ length: 200 }, (_, index) => `${index}`.repeat(index + 1))
    for (const text of texts) socket.send(text)
    await expect.poll(() => received, PATIENCE).toEqual(texts)
    expect(home.urls).toEqual(['/hubs/chat?id=a.b'])
    socket.close(1000)
    expect(await closed).toBe(1000)
    await expect.poll(() => home.ends, PATIENCE).toEqual([1000])
    await expect.poll(() => [home.sockets.size, landing.sockets.size], PATIENCE).toEqual([0, 0])
  })

  test.each<[string, (socket: WebSocket) => void]>([
    ['breaks off', (socket) => socket.terminate()],
    ['is reset', (socket) => (socket as unknown as { _socket: Socket })._socket.resetAndDestroy()],
  ])('is lost for its home when the client %s', async (_, end) => {
    await using home = await startEcho()
    await using landing = await startLanding(home.url)
    const { socket } = await opened(landing.url)
    end(socket)
    await expect.poll(() => home.ends, PATIENCE).toEqual([1006])
    await expect.poll(() => [home.sockets.size, landing.sockets.size], PATIENCE).toEqual([0, 0])
  })

  test('is lost for its client when the home is killed, or the gateway that passes it on stops', async () => {
    await using home = await startEcho()
    await using landing = await startLanding(home.url)
    const first = await opened(landing.url)
    for (const socket of home.sockets) socket.resetAndDestroy()
    expect(await first.closed).toBe(1006)

    const second = await opened(landing.url)
    await landing.forwarding.stop({ overMs: 0 })
    expect(await second.closed).toBe(1006)
    await expect.poll(() => home.ends.length, PATIENCE).toBe(2)
    await expect.poll(() => [home.sockets.size, landing.sockets.size], PATIENCE).toEqual([0, 0])
  })

  test('that its home refuses is refused with the same answer', async () => {
    await using home = await startHome(() => {})
    home.server.on('upgrade', (_request, socket: Socket) => {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno')
    })
    await using landing = await startLanding(home.url)
    expect(await upgrade(landing.url)).toEqual({ status: 401, body: 'no' })
  })

  test('is answered with 404 when its home is unknown, gone, mute, or breaks off, or it was passed on before', async () => {
    await using unknown = await startLanding(undefined)
    expect(await upgrade(unknown.url)).toEqual(GONE)

    const dead = await startMute()
    await dead[Symbol.asyncDispose]()
    await using landing = await startLanding(dead.url)
    expect(await upgrade(landing.url)).toEqual(GONE)

    await using mute = await startMute()
    await using patient = await startLanding(mute.url, { upgradeMs: 50 })
    expect(await upgrade(patient.url)).toEqual(GONE)
    await expect.poll(() => mute.sockets.size, PATIENCE).toBe(0)

    await using breaking = await startHome(() => {})
    breaking.server.on('upgrade', (_request, socket: Socket) => socket.destroy())
    await using unlucky = await startLanding(breaking.url)
    expect(await upgrade(unlucky.url)).toEqual(GONE)

    await using home = await startEcho()
    await using again = await startLanding(home.url)
    expect(await upgrade(again.url, { 'x-parley-forwarded': '1' })).toEqual(GONE)
  })

  test('whose client is gone before the home answers leaves nothing open', async () => {
    const asked = Promise.withResolvers<void>()
    const answering = Promise.withResolvers<void>()
    await using home = await startHome(() => {})
    home.server.on('upgrade', (_request, socket: Socket) => {
      asked.resolve()
      socket.on('end', () => socket.end()).resume()
      void answering.promise.then(() =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
      )
    })
    await using landing = await startLanding(home.url)
    const client = connect(Number(new URL(landing.url).port), '127.0.0.1')
    client.on('error', () => {})
    client.write('GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
    await asked.promise
    client.resetAndDestroy()
    await expect.poll(() => landing.sockets.size, PATIENCE).toBe(0)
    answering.resolve()
    await expect.poll(() => home.sockets.size, PATIENCE).toBe(0)
  })
})
