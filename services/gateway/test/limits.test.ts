import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { serve } from '@parley/bus'
import type { RefusedError } from '@parley/client'
import { auth } from '@parley/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectRaw } from './raw-client.ts'
import { connectClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging } from './test-messaging.ts'
import { startTestPresence } from './test-presence.ts'
import { upgradeStatus } from './upgrade-status.ts'

/** So long that no window ends while a test runs. */
const aWeek = (points: number) => ({ points, seconds: 7 * 24 * 60 * 60 })

const READS = 40
const SEARCHES = 5
const REFUSALS = 20
const PER_ADDRESS = 6

let gateway: TestGateway
let urls: readonly [string, string]
const stack = new AsyncDisposableStack()
beforeAll(async () => {
  gateway = stack.use(
    await startTestGateway({
      // The test says by a header from where it asks.
      trustedProxies: 1,
      limits: {
        read: { user: aWeek(READS) },
        findUsers: { user: aWeek(SEARCHES) },
        refusal: { connection: aWeek(REFUSALS) },
        typing: { user: { points: 2, seconds: 1 } },
        sync: null,
        request: { address: aWeek(8 * READS) },
        connect: { address: aWeek(PER_ADDRESS) },
        signIn: { address: aWeek(PER_ADDRESS) },
        token: { address: aWeek(3 * PER_ADDRESS), clientAtAddress: aWeek(PER_ADDRESS) },
      },
    }),
  )
  const other = stack.use(await gateway.another())
  urls = [gateway.url, other.url]
  await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await startTestPresence(gateway.bus)
  await serve(gateway.bus, auth, {
    getMe: async ({ actor }) => ({
      id: actor.userId,
      displayName: 'A',
      avatarUrl: null,
      createdAt: '2026-01-01T00:00:00.000Z',
    }),
    findUsers: async () => ({ users: [] }),
    signInForDevelopment: async ({ name }) => ({
      accessToken: name,
      user: { id: randomUUID(), displayName: name, avatarUrl: null, createdAt: '2026-01-01T00:00:00.000Z' },
    }),
  })
})
afterAll(() => stack.disposeAsync())

/** Asks as a client at this address. */
function ask(
  path: string,
  { url = gateway.url, from = randomAddress(), ...init }: RequestInit & { url?: string; from?: string } = {},
) {
  const headers = { ...(init.headers as Record<string, string>), 'x-forwarded-for': from }
  return fetch(`${url}${path}`, { redirect: 'manual', ...init, headers })
}

const randomAddress = (): string =>
  `2001:db8:${[1, 2].map(() => Math.floor(Math.random() * 65_536).toString(16)).join(':')}::1`
const bearer = (userId: string) => ({ authorization: `Bearer ${gateway.issuer.tokenFor(userId)}` })

/** The statuses of so many requests, asked one after the other of both gateways in turn. */
async function statusesOf(times: number, asking: (url: string) => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = []
  for (let index = 0; index < times; index++) statuses.push((await asking(urls[index % 2]!)).status)
  return statuses
}

const codeOf = (error: unknown): unknown => (error as RefusedError).code
const countOf = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length

describe('a user', () => {
  test('who asks for too much is told after how long to ask again, on all gateways', async () => {
    const headers = bearer(randomUUID())
    const statuses = await statusesOf(3 * READS, (url) => ask('/api/v1/me', { url, headers }))
    expect(countOf(statuses, 200)).toBeGreaterThanOrEqual(READS)
    expect(countOf(statuses, 200)).toBeLessThanOrEqual(READS * 1.5)
    expect(countOf(statuses, 200) + countOf(statuses, 429)).toBe(3 * READS)
    for (const url of urls) {
      const refused = await ask('/api/v1/me', { url, headers })
      const body = (await refused.json()) as { retryAfterMs: number }
      expect(body).toMatchObject({ status: 429, code: 'rate_limited' })
      expect(body.retryAfterMs).toBeGreaterThan(0)
      expect(refused.headers.get('retry-after')).toBe(String(Math.ceil(body.retryAfterMs / 1_000)))
    }
    const [other] = await statusesOf(1, (url) => ask('/api/v1/me', { url, headers: bearer(randomUUID()) }))
    expect(other).toBe(200)
  })

  test('is counted by hub and REST together, and may still do what is counted elsewhere', async () => {
    const userId = randomUUID()
    await statusesOf(3 * READS, (url) => ask('/api/v1/me', { url, headers: bearer(userId) }))
    await using client = await connectClient(gateway, userId)
    await expect(client.hub.invoke('GetMe', {})).rejects.toMatchObject({ code: 'rate_limited' })
    await client.hub.invoke('WatchPresence', { userIds: [userId] })
  })

  test('finds exactly as many users as the limit says, on all gateways together', async () => {
    const headers = bearer(randomUUID())
    const all = Array.from({ length: 4 * SEARCHES }, (_, index) =>
      ask('/api/v1/users?query=a', { url: urls[index % 2]!, headers }),
    )
    const statuses = (await Promise.all(all)).map(({ status }) => status)
    expect(countOf(statuses, 200)).toBe(SEARCHES)
    expect(countOf(statuses, 429)).toBe(3 * SEARCHES)
  })

  test('goes on when the window has ended', async () => {
    await using client = await connectClient(gateway, randomUUID())
    const stopTyping = () => client.hub.invoke('StopTyping', { conversationId: randomUUID() }).then(() => 'ok', codeOf)
    await expect.poll(stopTyping, { interval: 0 }).toBe('rate_limited')
    await expect.poll(stopTyping, { interval: 50, timeout: 5_000 }).not.toBe('rate_limited')
  })

  test('is not limited in what has no limit', async () => {
    await using client = await connectClient(gateway, randomUUID())
    for (let index = 0; index < 3 * READS; index++) {
      const code = await client.hub.invoke('Sync', { conversations: [] } as never).then(() => 'ok', codeOf)
      expect(code).not.toBe('rate_limited')
    }
  })
})

test('a connection that goes on asking whatever it is told is closed for good', async () => {
  using client = await connectRaw(gateway)
  const invoke = (id: number) => client.send({ type: 1, invocationId: String(id), target: 'GetMe', arguments: [{}] })
  for (let id = 0; id < 2 * READS + REFUSALS; id++) invoke(id)
  await expect.poll(() => client.closedAtMs, { timeout: 10_000 }).toBeDefined()
  const close = client.messages.at(-1)!
  expect(close).toEqual({ type: 7, error: 'rate_limited: Too many requests. Try again later.' })
  const refused = client.messages.filter(({ error }) => String(error).includes('rate_limited'))
  expect(refused.length).toBeGreaterThanOrEqual(REFUSALS)
})

describe('an address', () => {
  const authorize =
    (from: string, accept = '*/*') =>
    (url: string) =>
      ask('/oauth/authorize', { url, from, headers: { accept } })

  test('signs in exactly as often as the limit says, on all gateways together, and others still can', async () => {
    const from = randomAddress()
    expect(await statusesOf(PER_ADDRESS + 2, authorize(from))).toEqual([...Array(PER_ADDRESS).fill(200), 429, 429])
    expect((await authorize(randomAddress())(gateway.url)).status).toBe(200)
    const page = await authorize(from, 'text/html,*/*;q=0.8')(gateway.url)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await page.text()).toContain('Too Many Requests')
    expect((await authorize(from)(gateway.url)).headers.get('content-type')).toContain('application/problem+json')
  })

  test.each(['/oauth/sign-in/1', '/OAUTH/authorize', '/oauth/authorize/', '/oauth/else', '/dev/login'])(
    'is counted at %s, too',
    async (path) => {
      const from = randomAddress()
      await statusesOf(PER_ADDRESS, authorize(from))
      expect((await ask(path, { from, method: 'POST' })).status).toBe(429)
    },
  )

  test('reads keys and discovery, and asks by REST, beside all that', async () => {
    const from = randomAddress()
    await statusesOf(PER_ADDRESS + 1, authorize(from))
    expect((await ask('/oauth/jwks', { from })).status).toBe(200)
    expect((await ask('/.well-known/openid-configuration', { from })).status).toBe(404)
    expect((await ask('/openapi.json', { from })).status).toBe(200)
  })

  test('of IPv6 is all of its network', async () => {
    const statuses = await statusesOf(PER_ADDRESS + 1, (url) =>
      authorize(`2001:db9:0:7:${Math.floor(Math.random() * 65_536).toString(16)}::1`)(url),
    )
    expect(statuses.at(-1)).toBe(429)
  })

  test('connects as often as the limit says: a negotiation is one, and what follows it none', async () => {
    const from = randomAddress()
    const headers = { 'x-forwarded-for': from, ...bearer(randomUUID()) }
    const negotiate = (url = gateway.url, query = '') =>
      fetch(`${url}/hubs/chat/negotiate?negotiateVersion=1${query}`, { method: 'POST', headers })
    for (let index = 0; index < PER_ADDRESS - 1; index++) {
      const { connectionToken } = (await (await negotiate()).json()) as { connectionToken: string }
      expect(await upgradeStatus(gateway.url, `/hubs/chat?id=${connectionToken}`, headers)).toBe(101)
    }
    expect(await upgradeStatus(urls[1], '/hubs/chat', headers)).toBe(101)
    await expect.poll(async () => (await negotiate(urls[1])).status).toBe(429)
    const refused = await negotiate()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await negotiate(gateway.url, '&id=x')).status).toBe(429)
    expect(await upgradeStatus(gateway.url, '/hubs/chat', headers)).toBe(429)
  })

  test('is counted before the token is looked at', async () => {
    const from = randomAddress()
    const unknown = { from, headers: { authorization: 'Bearer x.y.z' } }
    const statuses = await statusesOf(12 * READS + 2, (url) => ask('/api/v1/me', { url, ...unknown }))
    expect(statuses[0]).toBe(401)
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('a token request', () => {
  const form = (clientId: string) => new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, x: 'ä&b' })
  const post = (from: string, body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
    ask('/oauth/token', { from, method: 'POST', body, headers })

  test('is counted by its client at its address, however that is named', async () => {
    const from = randomAddress()
    const basic = { authorization: `Basic ${btoa('one:secret')}` }
    const statuses = await statusesOf(PER_ADDRESS + 1, () => post(from, form('one')))
    expect(statuses).toEqual([...Array(PER_ADDRESS).fill(200), 429])
    expect((await post(from, new URLSearchParams(), basic)).status).toBe(429)
    expect((await post(from, form('two'))).status).toBe(200)
    expect((await post(randomAddress(), form('one'))).status).toBe(200)
  })

  test('is counted by its address, whatever client it names', async () => {
    const from = randomAddress()
    const statuses = await statusesOf(3 * PER_ADDRESS + 1, () => post(from, form(randomUUID())))
    expect(statuses).toEqual([...Array(3 * PER_ADDRESS).fill(200), 429])
  })

  test('arrives as it was sent', async () => {
    const body = 'client_id=a&client_id=b&code=%20%C3%A4+&&='
    const type = 'application/x-www-form-urlencoded; charset=utf-8'
    const arrived = await (await post(randomAddress(), body, { 'content-type': type })).json()
    expect(arrived).toMatchObject({
      method: 'POST',
      url: '/oauth/token',
      body,
      headers: { 'content-type': type, 'content-length': String(body.length) },
    })
  })

  test('in pieces, without a length, arrives whole', async () => {
    const pieces = ReadableStream.from([new TextEncoder().encode('client_id='), new TextEncoder().encode('one')])
    const response = await fetch(`${gateway.url}/oauth/revocation`, {
      method: 'POST',
      body: pieces,
      duplex: 'half',
    } as RequestInit)
    expect(await response.json()).toMatchObject({ body: 'client_id=one' })
  })

  test('that waits to be told to continue arrives whole, from where it came', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const headers = { expect: '100-continue', 'x-forwarded-for': '1.2.3.4, 198.51.100.8', 'x-real-ip': '1.2.3.4' }
    const asking = request(`${gateway.url}/oauth/token`, { method: 'POST', headers }, (response) => {
      text(response).then(resolve, reject)
    })
    asking.on('error', reject)
    asking.on('continue', () => asking.end('client_id=one'))
    asking.flushHeaders()
    const arrived = JSON.parse(await promise) as { body: string; headers: Record<string, string> }
    expect(arrived.body).toBe('client_id=one')
    expect(arrived.headers['x-forwarded-for']).toBe('198.51.100.8')
    expect(arrived.headers).not.toHaveProperty('x-real-ip')
  })

  test('that is huge is refused', async () => {
    expect((await post(randomAddress(), 'x'.repeat(70_000))).status).toBe(413)
  })
})

test('auth is told the address of the client, and nothing that the client says of itself', async () => {
  const spoofed = {
    'x-forwarded-proto': 'ftp',
    forwarded: 'for=1.2.3.4',
    'x-real-ip': '1.2.3.4',
    'x-forwarded-host': 'evil.example',
  }
  const arrived = (await (await ask('/oauth/else', { from: '1.2.3.4, 198.51.100.7', headers: spoofed })).json()) as {
    headers: Record<string, string>
  }
  expect(arrived.headers['x-forwarded-for']).toBe('198.51.100.7')
  for (const name of Object.keys(spoofed)) expect(arrived.headers).not.toHaveProperty(name)
})

test('a gateway without proxies in front of it believes nobody', async () => {
  await using plain = await startTestGateway({ limits: { signIn: { address: aWeek(2) } } })
  const statuses: number[] = []
  for (let index = 0; index < 3; index++) {
    const headers = { 'x-forwarded-for': randomAddress() }
    statuses.push((await fetch(`${plain.url}/oauth/authorize`, { headers })).status)
  }
  expect(statuses).toEqual([200, 200, 429])
})

test('what was refused is counted by its limit, and names nobody', async () => {
  const userId = randomUUID()
  const from = randomAddress()
  for (let index = 0; index < PER_ADDRESS + 1; index++) await ask('/oauth/authorize', { from })
  for (let index = 0; index < SEARCHES + 1; index++) await ask('/api/v1/users?query=a', { headers: bearer(userId) })
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  const figureOf = (limit: string) =>
    Number(new RegExp(`^parley_gateway_rate_limited_total\\{.*limit="${limit}".*\\} (\\d+)`, 'm').exec(metrics)?.[1])
  expect(figureOf('signIn.address')).toBeGreaterThan(0)
  expect(figureOf('findUsers.user')).toBeGreaterThan(0)
  expect(metrics).not.toContain(userId)
  expect(metrics).not.toContain(from)
})
