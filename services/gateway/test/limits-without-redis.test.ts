import { randomUUID } from 'node:crypto'
import { serve } from '@parley/bus'
import { auth } from '@parley/contracts'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connectClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging } from './test-messaging.ts'

const READS = 8
const user = { id: randomUUID(), displayName: 'A', avatarUrl: null, createdAt: '2026-01-01T00:00:00.000Z' }

let gateway: TestGateway
beforeAll(async () => {
  const seconds = 7 * 24 * 60 * 60
  gateway = await startTestGateway({ limits: { read: { user: { points: READS, seconds } } } })
  await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await serve(gateway.bus, auth, {
    getMe: async () => user,
    signInForDevelopment: async () => ({ accessToken: 'token', user }),
  })
})
afterAll(() => gateway[Symbol.asyncDispose]())

const signIns: readonly (readonly [string, RequestInit])[] = [
  ['/oauth/authorize', {}],
  ['/oauth/token', { method: 'POST', body: new URLSearchParams({ client_id: 'one' }) }],
  ['/oauth/introspection', { method: 'POST' }],
  ['/dev/login', { method: 'POST', body: '{"name":"a"}', headers: { 'content-type': 'application/json' } }],
]

const signIn = async () =>
  Promise.all(signIns.map(async ([path, init]) => (await fetch(`${gateway.url}${path}`, init)).status))

const readMe = async (headers: Record<string, string>) => (await fetch(`${gateway.url}/api/v1/me`, { headers })).status

beforeEach(async () => {
  await expect.poll(signIn, { timeout: 15_000 }).toEqual([200, 200, 200, 200])
})

async function expectLocalLimits(): Promise<void> {
  for (const [path, init] of [...signIns, ...signIns]) {
    const startedAtMs = performance.now()
    const response = await fetch(`${gateway.url}${path}`, init)
    expect({ path, status: response.status }).toEqual({ path, status: 503 })
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ code: 'unavailable' })
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
  }
  const headers = { authorization: `Bearer ${gateway.issuer.tokenFor(randomUUID())}` }
  const statuses: number[] = []
  for (let index = 0; index < READS + 2; index++) statuses.push(await readMe(headers))
  expect(statuses).toEqual([...Array(READS).fill(200), 429, 429])
  await using client = await connectClient(gateway, randomUUID())
  for (let index = 0; index < READS; index++) await client.hub.invoke('GetMe', {})
  await expect(client.hub.invoke('GetMe', {})).rejects.toMatchObject({ code: 'rate_limited' })
}

test('nobody signs in while Redis is dead, the rest goes by local limits, and all comes back by itself', async () => {
  await gateway.redis.kill()
  await expectLocalLimits()
  await gateway.redis.restart()
  await expect.poll(signIn, { timeout: 15_000 }).toEqual([200, 200, 200, 200])
}, 60_000)

test('nobody signs in while Redis is frozen, the rest goes by local limits, and all comes back by itself', async () => {
  process.kill(gateway.redis.pid, 'SIGSTOP')
  try {
    await expectLocalLimits()
  } finally {
    process.kill(gateway.redis.pid, 'SIGCONT')
  }
  await expect.poll(signIn, { timeout: 15_000 }).toEqual([200, 200, 200, 200])
}, 60_000)

test('a gateway that starts without Redis lets nobody sign in, and everybody read', async () => {
  await gateway.redis.kill()
  const other = await gateway.another()
  try {
    expect((await fetch(`${other.url}/oauth/authorize`)).status).toBe(503)
    const headers = { authorization: `Bearer ${gateway.issuer.tokenFor(randomUUID())}` }
    expect((await fetch(`${other.url}/api/v1/me`, { headers })).status).toBe(200)
    await gateway.redis.restart()
    await expect.poll(async () => (await fetch(`${other.url}/oauth/authorize`)).status, { timeout: 15_000 }).toBe(200)
  } finally {
    await other[Symbol.asyncDispose]()
  }
}, 60_000)

test('a Redis that has forgotten everything, scripts too, is asked on', async () => {
  const redis = new Redis(gateway.redis.url)
  try {
    const headers = { authorization: `Bearer ${gateway.issuer.tokenFor(randomUUID())}` }
    for (let index = 0; index < READS - 1; index++) expect(await readMe(headers)).toBe(200)
    await redis.flushall()
    await redis.script('FLUSH')
    expect(await signIn()).toEqual([200, 200, 200, 200])
    expect([await readMe(headers), await readMe(headers)]).toEqual([200, 429])
    const keys = await redis.keys('limit:*')
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) expect(await redis.ttl(key)).toBeGreaterThan(0)
  } finally {
    redis.disconnect()
  }
})
