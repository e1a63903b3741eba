import { expect, test } from 'vitest'
import { HubRefusal } from '../src/index.ts'
import { negotiate, rawClient, refusedUpgrade, startHub, type NegotiateAnswer, type TestHub } from './fixture.ts'
import { send, statusOf } from './raw-http.ts'

/** So many that some of them are too many, however slow the machine is. */
const CROWD = 20

/** Spread, so that those who are turned away together do not come back together. */
const isSomeSeconds = (value: unknown): boolean => ['1', '2', '3'].includes(String(value))

const crowdNegotiates = (hub: TestHub): Promise<NegotiateAnswer[]> =>
  Promise.all(Array.from({ length: CROWD }, () => negotiate(hub)))

test('too many clients at once get a 503 with Retry-After, before they are even asked who they are', async () => {
  let authenticated = 0
  await using hub = await startHub({
    limits: { handshakesPerSecond: 3 },
    authenticate() {
      authenticated++
      return 'user'
    },
  })
  const answers = await crowdNegotiates(hub)
  const refused = answers.filter(({ status }) => status === 503)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.filter(({ headers }) => !isSomeSeconds(headers.get('retry-after')))).toEqual([])
  expect(authenticated).toBe(CROWD - refused.length)
  expect(authenticated).toBeGreaterThanOrEqual(3)
})

test('too many upgrades that nobody has negotiated get the same', async () => {
  await using hub = await startHub({ limits: { handshakesPerSecond: 3 } })
  const upgrades = Array.from({ length: CROWD }, async () => refusedUpgrade(hub).catch(() => undefined))
  const refused = (await Promise.all(upgrades)).filter((answer) => answer?.status === 503)
  expect(refused.length).toBeGreaterThan(0)
  expect(isSomeSeconds(refused[0]!.headers['retry-after'])).toBe(true)
})

test("those who are turned away take nobody's place", async () => {
  await using hub = await startHub({
    limits: { handshakesPerSecond: 1 },
    authenticate({ headers }) {
      if (headers.authorization === undefined) throw new HubRefusal(401)
      return 'user'
    },
  })
  for (const answer of await crowdNegotiates(hub)) expect([401, 503]).toContain(answer.status)
  for (let times = 0; times < CROWD; times++) expect((await refusedUpgrade(hub)).status).toBe(401)
  expect((await negotiate(hub, { headers: { authorization: 'Bearer' } })).status).toBe(200)
})

test('after that time there is room again', async () => {
  await using hub = await startHub({ limits: { handshakesPerSecond: 1 } })
  await crowdNegotiates(hub)
  await expect.poll(async () => (await negotiate(hub)).status, { timeout: 5_000, interval: 100 }).toBe(200)
})

const openings: Record<string, (hub: TestHub, query: string) => Promise<unknown>> = {
  WebSockets: async (hub, query) => (await rawClient(hub, query))[Symbol.asyncDispose](),
  LongPolling: async (hub, query) => {
    expect((await send(hub, query)).status).toBe(200)
    expect(await statusOf(hub, query, { method: 'DELETE' })).toBe(202)
  },
  async ServerSentEvents(hub, query) {
    const leaving = new AbortController()
    const headers = { accept: 'text/event-stream' }
    expect((await fetch(hub.url + query, { headers, signal: leaving.signal })).status).toBe(200)
    leaving.abort()
  },
}

test.each(Object.keys(openings))('who has negotiated and comes over %s is not counted again', async (transport) => {
  await using hub = await startHub({ limits: { handshakesPerSecond: 5 } })
  const { query } = await negotiate(hub)
  await crowdNegotiates(hub)
  await openings[transport]!(hub, query)
})

test('a token that another server minted is counted where it lands, and who is there already is not', async () => {
  await using hub = await startHub({
    limits: { handshakesPerSecond: 3 },
    tokens: {
      mint: () => ({ connectionId: 'mine', connectionToken: 'mine' }),
      read: (token) => ({ connectionId: token, isStateful: false, isExpired: false, home: 'b' }),
    },
  })
  await using _client = await rawClient(hub, '?id=first')
  const upgrades = Array.from({ length: CROWD }, async (_, index) =>
    refusedUpgrade(hub, `?id=other-${index}`).catch(() => undefined),
  )
  expect((await Promise.all(upgrades)).filter((answer) => answer?.status === 503)).not.toEqual([])
  expect((await refusedUpgrade(hub, '?id=first')).status).toBe(409)
})

test('a page of a forbidden origin costs nobody a place', async () => {
  await using hub = await startHub({
    limits: { handshakesPerSecond: 1 },
    allowOrigin: (origin) => origin === undefined,
  })
  const headers = { origin: 'https://bad.example' }
  const pages = Array.from({ length: CROWD }, () => negotiate(hub, { headers }))
  expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(pages.map(() => 403))
  expect((await refusedUpgrade(hub, '', headers)).status).toBe(403)
  expect((await negotiate(hub)).status).toBe(200)
})
