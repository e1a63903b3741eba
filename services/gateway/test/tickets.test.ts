import { randomUUID } from 'node:crypto'
import { connectHub, HttpTransportType, openRest } from '@parley/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'
import { upgradeStatus } from './upgrade-status.ts'

const PAGE = 'https://chat.example'

let gateway: TestGateway
let messaging: TestMessaging
let other: Awaited<ReturnType<TestGateway['another']>>
beforeAll(async () => {
  gateway = await startTestGateway()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  other = await gateway.another()
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await messaging[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

const ask = (headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/api/v1/connection-tickets`, { method: 'POST', headers })

async function ticketFor(userId: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await ask({ authorization: `Bearer ${gateway.issuer.tokenFor(userId)}`, ...headers })
  expect(response.status).toBe(200)
  return ((await response.json()) as { ticket: string }).ticket
}

const negotiate = (url: string, ticket: string) =>
  fetch(`${url}/hubs/chat/negotiate?negotiateVersion=1`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ticket}` },
  })

async function negotiated(url: string, ticket: string): Promise<string> {
  const response = await negotiate(url, ticket)
  expect(response.status).toBe(200)
  return ((await response.json()) as { connectionToken: string }).connectionToken
}

describe('a ticket', () => {
  test('is for bearers of an access token, and lives for 60 seconds', async () => {
    expect((await ask()).status).toBe(401)
    const accessToken = gateway.issuer.tokenFor(randomUUID())
    const { expiresAt } = await openRest({ url: gateway.url, accessToken }).perform('CreateConnectionTicket', {})
    const leftMs = Date.parse(expiresAt) - Date.now()
    expect(leftMs).toBeGreaterThan(50_000)
    expect(leftMs).toBeLessThanOrEqual(60_000)
  })

  test('opens the hub, in the query or the header, and nothing else', async () => {
    const userId = randomUUID()
    expect(await upgradeStatus(gateway.url, `/hubs/chat?access_token=${await ticketFor(userId)}`)).toBe(101)
    const authorization = `Bearer ${await ticketFor(userId)}`
    expect(await upgradeStatus(gateway.url, '/hubs/chat', { authorization })).toBe(101)
    expect((await ask({ authorization: `Bearer ${await ticketFor(userId)}` })).status).toBe(401)
    const me = `${gateway.url}/api/v1/me?access_token=${await ticketFor(userId)}`
    expect((await fetch(me)).status).toBe(401)
  })

  test('opens one connection, on whichever gateway', async () => {
    const ticket = await ticketFor(randomUUID())
    const query = `access_token=${ticket}`
    const id = await negotiated(gateway.url, ticket)
    expect((await negotiate(gateway.url, ticket)).status).toBe(401)
    expect((await negotiate(other.url, ticket)).status).toBe(401)
    expect(await upgradeStatus(gateway.url, `/hubs/chat?${query}`)).toBe(401)
    expect(await upgradeStatus(other.url, `/hubs/chat?${query}&id=${id}`)).toBe(101)
  })

  test('that many connections want at the same time opens one of them', async () => {
    const ticket = await ticketFor(randomUUID())
    const statuses = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        upgradeStatus(index % 2 === 0 ? gateway.url : other.url, `/hubs/chat?access_token=${ticket}`),
      ),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([101, ...Array<number>(9).fill(401)])
  })

  test('is for the page that asked for it', async () => {
    const query = async () => `/hubs/chat?access_token=${await ticketFor(randomUUID(), { origin: PAGE })}`
    expect(await upgradeStatus(gateway.url, await query(), { origin: 'http://localhost:3000' })).toBe(401)
    expect(await upgradeStatus(gateway.url, await query(), { origin: PAGE })).toBe(101)
  })

  test('is what the client presents where the access token would stand in a URL', async () => {
    const userId = randomUUID()
    await using hub = await connectHub({
      url: gateway.url,
      accessToken: () => gateway.issuer.tokenFor(userId),
      transport: HttpTransportType.ServerSentEvents,
    })
    expect(hub.connection.state).toBe('Connected')
  })

  test('opens a connection while Redis is away', async () => {
    await using lonely = await startTestGateway()
    await using _messaging = await startTestMessaging(lonely.bus, lonely.gatewayIds)
    const rest = openRest({ url: lonely.url, accessToken: lonely.issuer.tokenFor(randomUUID()) })
    await lonely.redis.kill()
    const { ticket } = await rest.perform('CreateConnectionTicket', {})
    expect(await upgradeStatus(lonely.url, `/hubs/chat?access_token=${ticket}`)).toBe(101)
    expect(await upgradeStatus(lonely.url, `/hubs/chat?access_token=${ticket}`)).toBe(401)
  })
})
