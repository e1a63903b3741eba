import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { serve } from '@parley/bus'
import { messaging as messagingContract, presence } from '@parley/contracts'
import { openGatewayRouting } from '@parley/routing'
import { silentLog } from '@parley/testing'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { AFTER_DRAIN_MS, stopTimesMs } from '../src/stop-in-time.ts'
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts'
import { connectRaw, type RawClient } from './raw-client.ts'
import { startTestMessaging } from './test-messaging.ts'

const CLOSE = { type: 7, allowReconnect: true }

/** Asks it to stop; answers when that was. */
function ask(gateway: GatewayProcess): number {
  gateway.signal('SIGTERM')
  return performance.now()
}

const doingsOf = ({ lines }: GatewayProcess) =>
  lines.map(({ msg }) => msg).filter((message) => ['started', 'stopping', 'stopped'].includes(message))

const BY_THE_BOOK = ['started', 'stopping', 'stopped']

const connectMany = (gateway: GatewayProcess, count: number): Promise<RawClient[]> =>
  Promise.all(Array.from({ length: count }, () => connectRaw(gateway)))

/** What somebody is answered who negotiates, or comes with a WebSocket, now. */
async function negotiate({ url, issuer }: GatewayProcess) {
  const response = await fetch(`${url}/hubs/chat/negotiate?negotiateVersion=1`, {
    method: 'POST',
    headers: { authorization: `Bearer ${issuer.tokenFor(randomUUID())}` },
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after') }
}

async function upgrade({ url, issuer }: GatewayProcess) {
  const path = `${url.replace('http', 'ws')}/hubs/chat?access_token=${issuer.tokenFor(randomUUID())}`
  const socket = new WebSocket(path).on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number; headers: Record<string, string> },
  ]
  socket.terminate()
  return { status: response.statusCode, retryAfter: response.headers['retry-after'] }
}

/** Where another gateway that starts now finds this one. */
async function addressOf({ redis, gatewayIds }: GatewayProcess): Promise<string | undefined> {
  await using routing = await openGatewayRouting({ url: redis.url, log: silentLog })
  return routing.addressOf(gatewayIds()[0]!)
}

describe('a gateway that is asked to stop', () => {
  test('is unready at once and takes nobody in, and a second signal changes nothing', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '2' })
    await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    await connectMany(gateway, 10)
    const askedAtMs = ask(gateway)
    gateway.signal('SIGTERM')
    await expect.poll(() => doingsOf(gateway)).toContain('stopping')
    gateway.signal('SIGTERM')
    const ready = await fetch(`${gateway.url}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining({ status: 'draining' })])
    const later = { status: 503, retryAfter: expect.stringMatching(/^[1-9]/) as string }
    expect(await negotiate(gateway)).toEqual(later)
    expect(await upgrade(gateway)).toEqual(later)
    const documents = await fetch(`${gateway.url}/openapi.json`)
    expect([documents.status, documents.headers.get('connection')]).toEqual([200, 'close'])
    const keys = await fetch(`${gateway.url}/oauth/jwks`)
    expect([keys.status, keys.headers.get('connection')]).toEqual([200, 'close'])

    const { code, atMs } = await gateway.exited
    expect({ code, doings: doingsOf(gateway) }).toEqual({ code: 0, doings: BY_THE_BOOK })
    expect(atMs - askedAtMs).toBeGreaterThan(1_800)
  })

  test('closes its connections one after another over the drain, in any order, asking them to reconnect', async () => {
    const drainMs = 2_000
    const count = 40
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: String(drainMs / 1_000) })
    await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    const clients: RawClient[] = []
    while (clients.length < count) clients.push(await connectRaw(gateway))
    const askedAtMs = ask(gateway)
    expect((await gateway.exited).code).toBe(0)

    expect(clients.map(({ messages }) => messages.at(-1))).toEqual(clients.map(() => CLOSE))
    const left = clients.toSorted((one, other) => one.closedAtMs! - other.closedAtMs!)
    expect(left).not.toEqual(clients)
    const turnsMs = left.map(({ closedAtMs }) => closedAtMs! - askedAtMs)
    // No two have the same turn, and nobody goes before it.
    for (const [turn, atMs] of turnsMs.entries()) expect(atMs).toBeGreaterThan((turn / count) * drainMs - 5)
    const late = turnsMs.filter((atMs, turn) => atMs > (turn / count) * drainMs + 1_000)
    expect(late).toEqual([])
  })

  test('answers what was asked before, and only then closes', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '0' })
    await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    await using _presence = await serve(gateway.bus, presence, {
      async getStatus() {
        asked.resolve()
        await answer.promise
        return { status: 'online', text: null, until: null, visibleTo: 'everyone' }
      },
    })
    using client = await connectRaw(gateway)
    using idle = await connectRaw(gateway)
    client.send({ type: 1, invocationId: 'x', target: 'GetStatus', arguments: [{}] })
    await asked.promise
    ask(gateway)
    await vi.waitUntil(() => idle.closedAtMs !== undefined)
    expect(client.closedAtMs).toBeUndefined()
    answer.resolve()
    expect((await gateway.exited).code).toBe(0)
    expect(client.messages.slice(-2)).toMatchObject([
      { type: 3, invocationId: 'x', result: { status: 'online' } },
      CLOSE,
    ])
  })

  test('passes on the marks it holds and gives up its lease', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '1' })
    await using messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    messaging.answerMark = () => ({ gatherReadMs: 60_000, gatherDeliveredMs: 60_000 })
    const [userId, conversationId] = [randomUUID(), randomUUID()]
    messaging.add(userId, conversationId)
    using client = await connectRaw(gateway, userId)
    const readSequences = () => messaging.markCalls.flat().map(({ readSequence }) => readSequence)
    const read = (sequence: number) => {
      client.send({ type: 1, invocationId: 'x', target: 'MarkRead', arguments: [{ conversationId, sequence }] })
      return vi.waitUntil(() => client.messages.filter(({ type }) => type === 3).length === sequence)
    }
    await read(1)
    await expect.poll(readSequences).toEqual([1])
    await read(2)
    expect(readSequences()).toEqual([1])
    expect(await addressOf(gateway)).toBe(gateway.url)
    ask(gateway)
    expect((await gateway.exited).code).toBe(0)
    expect(readSequences()).toEqual([1, 2])
    expect(await addressOf(gateway)).toBeUndefined()
  })
})

/** Clients that do not do what would let them be closed in good order, each in another way. */
async function connectStuck(gateway: GatewayProcess): Promise<Disposable> {
  const stack = new DisposableStack()
  stack.use(await connectRaw(gateway)).socket.pause()
  await stuckInside(gateway, { transport: 'LongPolling' })
  await stuckInside(gateway, { transport: 'ServerSentEvents' })
  await leaveForNow(gateway)
  const { hostname, port } = new URL(gateway.url)
  const slow = stack.adopt(connect(Number(port), hostname), (socket) => socket.destroy()).on('error', () => {})
  slow.write(
    'POST /api/v1/uploads HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
  )
  return stack
}

/** Where a client goes on after it has negotiated. */
async function negotiated({ url }: GatewayProcess, headers: Record<string, string>, query = ''): Promise<string> {
  const begun = await fetch(`${url}/hubs/chat/negotiate?negotiateVersion=1${query}`, { method: 'POST', headers })
  const { connectionToken } = (await begun.json()) as { connectionToken: string }
  return `${url}/hubs/chat?id=${encodeURIComponent(connectionToken)}`
}

/** Loses its socket; the gateway waits for it to come back with another. */
async function leaveForNow(gateway: GatewayProcess): Promise<void> {
  const headers = { authorization: `Bearer ${gateway.issuer.tokenFor(randomUUID())}` }
  const address = await negotiated(gateway, headers, '&useStatefulReconnect=true')
  const socket = new WebSocket(address.replace('http', 'ws'), { headers })
  socket.on('open', () => socket.send('{"protocol":"json","version":2}\u001e'))
  await once(socket, 'message')
  socket.terminate()
}

/** Shakes hands and is never heard of again. */
async function stuckInside(gateway: GatewayProcess, { transport }: { transport: string }): Promise<void> {
  const headers = { authorization: `Bearer ${gateway.issuer.tokenFor(randomUUID())}` }
  const address = await negotiated(gateway, headers)
  const accept = transport === 'ServerSentEvents' ? 'text/event-stream' : '*/*'
  expect((await fetch(address, { headers: { ...headers, accept } })).status).toBe(200)
  const body = '{"protocol":"json","version":1}\u001e'
  expect((await fetch(address, { method: 'POST', headers, body })).status).toBe(200)
}

describe('a gateway stops within its time', () => {
  test('when clients do not read, do not poll and do not finish their requests', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '0' })
    await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    using _stuck = await connectStuck(gateway)
    const askedAtMs = ask(gateway)
    const { code, atMs } = await gateway.exited
    expect({ code, doings: doingsOf(gateway) }).toEqual({ code: 0, doings: BY_THE_BOOK })
    expect(atMs - askedAtMs).toBeLessThan(stopTimesMs.hub + stopTimesMs.http)
  }, 60_000)

  test('when messaging never answers and there are marks to pass on', async () => {
    await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '0' })
    const standIn = await startTestMessaging(gateway.bus, gateway.gatewayIds)
    const [userId, conversationId] = [randomUUID(), randomUUID()]
    standIn.add(userId, conversationId)
    using client = await connectRaw(gateway, userId)
    await standIn[Symbol.asyncDispose]()
    let marks = 0
    const never = async () => {
      marks++
      return new Promise<never>(() => {})
    }
    void serve(gateway.bus, messagingContract, { markReceipts: never })
    await gateway.bus.nats.flush()
    client.send({ type: 1, invocationId: 'x', target: 'MarkRead', arguments: [{ conversationId, sequence: 1 }] })
    await vi.waitUntil(() => client.messages.some(({ type }) => type === 3))
    const askedAtMs = ask(gateway)
    const { code, atMs } = await gateway.exited
    expect(code).toBe(0)
    expect(marks).toBeGreaterThan(0)
    expect(atMs - askedAtMs).toBeLessThan(AFTER_DRAIN_MS)
  }, 60_000)

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'when NATS and Redis get a %s before',
    async (signal) => {
      await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '0' })
      await using _messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
      using client = await connectRaw(gateway)
      using _stuck = await connectStuck(gateway)
      const { nats, redis } = gateway
      for (const { pid } of [nats, redis]) process.kill(pid, signal)
      try {
        const askedAtMs = ask(gateway)
        const { code, atMs } = await gateway.exited
        expect({ code, doings: doingsOf(gateway) }).toEqual({ code: 0, doings: BY_THE_BOOK })
        expect(client.messages.at(-1)).toEqual(CLOSE)
        expect(atMs - askedAtMs).toBeLessThan(AFTER_DRAIN_MS)
      } finally {
        if (signal === 'SIGSTOP') for (const { pid } of [nats, redis]) process.kill(pid, 'SIGCONT')
      }
    },
    60_000,
  )
})

test('a gateway whose drain does not fit into its grace period does not start', async () => {
  await using gateway = await startGatewayProcess({ GATEWAY_DRAIN_SECONDS: '60', TERMINATION_GRACE_SECONDS: '60' })
  expect((await gateway.exited).code).toBe(1)
  expect(gateway.lines).toMatchObject([
    { msg: 'wrong configuration', problems: [expect.stringContaining('GATEWAY_DRAIN_SECONDS is 60')] },
  ])
})
