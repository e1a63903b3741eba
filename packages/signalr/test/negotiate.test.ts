import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HubRefusal } from '../src/index.ts'
import { negotiate, officialClient, rawClient, refusedUpgrade, startHub, startedClient } from './fixture.ts'

const ID = /^[\w-]{22}$/

test('negotiate version 1 answers with an id, another secret token and the transports there are', async () => {
  await using hub = await startHub()
  const { status, headers, body } = await negotiate(hub)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('application/json')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(body).toEqual({
    negotiateVersion: 1,
    connectionId: expect.stringMatching(ID),
    connectionToken: expect.stringMatching(ID),
    availableTransports: [
      { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
      { transport: 'ServerSentEvents', transferFormats: ['Text'] },
      { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
    ],
  })
  expect(body['connectionToken']).not.toBe(body['connectionId'])
})

test('negotiate version 0, asked for or assumed, has no token and its id opens the connection', async () => {
  await using hub = await startHub()
  for (const query of ['', '?negotiateVersion=0', '?unrelated=1']) {
    const { body, query: idQuery } = await negotiate(hub, { query })
    expect(body).toMatchObject({ negotiateVersion: 0, connectionId: expect.stringMatching(ID) })
    expect(body).not.toHaveProperty('connectionToken')
    await using _client = await rawClient(hub, idQuery)
  }
})

test('a higher version than there is gets version 1', async () => {
  await using hub = await startHub()
  const { body } = await negotiate(hub, { query: '?negotiateVersion=7' })
  expect(body['negotiateVersion']).toBe(1)
})

test('a version that cannot be served is told with status 200, and the official client fails with that text', async () => {
  await using hub = await startHub()
  const cases = [
    ['abc', "The client requested an invalid protocol version 'abc'"],
    ['', "The client requested an invalid protocol version ''"],
    ['1.5', "The client requested an invalid protocol version '1.5'"],
    ['-1', "The client requested version '-1', but the server does not support this version."],
  ]
  for (const [version, error] of cases) {
    const { status, body } = await negotiate(hub, { query: `?negotiateVersion=${version}` })
    expect(status).toBe(200)
    expect(body).toEqual({ error })
  }
  const client = officialClient({ url: `${hub.url}?negotiateVersion=abc` })
  await expect(client.start()).rejects.toThrow("The client requested an invalid protocol version 'abc'")
})

test('only POST negotiates', async () => {
  await using hub = await startHub()
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    const { status, headers } = await negotiate(hub, { method })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('POST')
  }
})

test('paths and names in the query are told apart by their letters, not by their case', async () => {
  await using hub = await startHub()
  const { body, query } = await negotiate(hub, { path: '/NEGOTIATE', query: '?NEGOTIATEVERSION=1' })
  expect(body['negotiateVersion']).toBe(1)
  const upper = { url: hub.url.replace('/hubs/test', '/Hubs/Test/') }
  await using _client = await rawClient(upper, query.replace('id', 'ID'))
})

test('a request to somewhere else goes to the next handler, or to a 404', async () => {
  await using hub = await startHub()
  expect((await fetch(new URL('/elsewhere', hub.url))).status).toBe(404)
  let passedOn = 0
  hub.server.handleRequest({ url: '/elsewhere', headers: {} } as never, {} as never, () => passedOn++)
  expect(passedOn).toBe(1)
  expect((await refusedUpgrade({ url: hub.url.replace('/hubs/test', '/elsewhere') })).status).toBe(404)
})

test('who cannot be identified gets a 401 at negotiate and at the upgrade', async () => {
  await using hub = await startHub({
    authenticate(request) {
      if (request.headers.authorization !== 'Bearer good') throw new HubRefusal(401)
      return 'alice'
    },
  })
  const answer = await negotiate(hub)
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  expect((await refusedUpgrade(hub)).status).toBe(401)
  expect((await refusedUpgrade(hub, '?id=whatever')).status).toBe(401)
  await expect(officialClient(hub, { accessTokenFactory: () => 'bad' }).start()).rejects.toThrow(
    "Failed to complete negotiation with the server: Error: Unauthorized: Status code '401'",
  )
  await using _client = await startedClient(hub, { accessTokenFactory: () => 'good' })
  expect(hub.connections().map(({ identity }) => identity)).toEqual(['alice'])
})

test('an error in authenticate is a 500 that tells nothing', async () => {
  await using hub = await startHub({ authenticate: () => Promise.reject(new Error('secret')) })
  expect(await negotiate(hub)).toMatchObject({ status: 500, body: { text: 'Internal Server Error' } })
  expect((await refusedUpgrade(hub)).status).toBe(500)
})

test('an origin that is not allowed gets a 403 at negotiate and at the upgrade', async () => {
  await using hub = await startHub({
    allowOrigin: (origin) => origin === undefined || origin === 'https://good.example',
  })
  const bad = { origin: 'https://bad.example' }
  expect((await negotiate(hub, { headers: bad })).status).toBe(403)
  expect((await refusedUpgrade(hub, '', bad)).status).toBe(403)
  expect((await negotiate(hub, { headers: { origin: 'https://good.example' } })).status).toBe(200)
  await using _client = await rawClient(hub)
})

test('a negotiation opens one connection, once', async () => {
  await using hub = await startHub()
  const { body, query } = await negotiate(hub)
  {
    await using _client = await rawClient(hub, query)
    expect(hub.connections().map(({ id }) => id)).toEqual([body['connectionId']])
    expect((await refusedUpgrade(hub, query)).status).toBe(409)
  }
  await expect.poll(() => hub.ended.length).toBe(1)
  expect((await refusedUpgrade(hub, query)).status).toBe(404)
  expect((await refusedUpgrade(hub, `?id=${String(body['connectionId'])}`)).status).toBe(404)
  expect((await refusedUpgrade(hub, '?id=unknown')).status).toBe(404)
  expect((await refusedUpgrade(hub, '?id=')).status).toBe(404)
})

test('of two upgrades that race for one negotiation exactly one wins', async () => {
  await using hub = await startHub({ authenticate: () => delay(10, 'user') })
  const { query } = await negotiate(hub)
  const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => rawClient(hub, query)))
  const won = attempts.filter((attempt) => attempt.status === 'fulfilled')
  expect(won).toHaveLength(1)
  await won[0]!.value[Symbol.asyncDispose]()
})

test('an abandoned negotiation expires', async () => {
  await using hub = await startHub({ negotiationTimeoutMs: 50, keepAliveMs: 100, limits: { pendingNegotiations: 1 } })
  const { query } = await negotiate(hub)
  expect((await negotiate(hub)).status).toBe(503)
  await expect.poll(async () => (await negotiate(hub)).status).toBe(200)
  expect((await refusedUpgrade(hub, query)).status).toBe(404)
})

test('more pending negotiations than allowed get a 503', async () => {
  await using hub = await startHub({
    limits: { pendingNegotiations: 2 },
    authenticate: () => new Promise((resolve) => setTimeout(resolve, 20, 'user')),
  })
  const answers = await Promise.all(Array.from({ length: 10 }, () => negotiate(hub)))
  expect(answers.filter(({ status }) => status === 503)).toHaveLength(8)
})

test('the official client connects without negotiation', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub, { skipNegotiation: true })
  expect(client.connectionId).toBeNull()
  expect(hub.connections()).toHaveLength(1)
})

test('the official client knows its connection by the id that the hub knows', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub)
  expect(hub.connections().map(({ id }) => id)).toEqual([client.connectionId])
})

test('a plain request to the hub is told what is wrong with it', async () => {
  await using hub = await startHub()
  const { query } = await negotiate(hub)
  expect(await negotiate(hub, { path: '', query: '' })).toMatchObject({
    status: 400,
    body: { text: 'Connection ID required' },
  })
  expect(await negotiate(hub, { path: '', query: '?id=unknown' })).toMatchObject({
    status: 404,
    body: { text: 'No Connection with that ID' },
  })
  await using _client = await rawClient(hub, query)
  expect((await negotiate(hub, { path: '', query })).status).toBe(405)
  expect((await negotiate(hub, { path: '', query, method: 'DELETE' })).status).toBe(400)
})

test('an upgrade that is no WebSocket gets a 400', async () => {
  await using hub = await startHub()
  const answer = Promise.withResolvers<number | undefined>()
  request(hub.url, { headers: { connection: 'upgrade', upgrade: 'h2c' } }, (response) => {
    response.resume()
    answer.resolve(response.statusCode)
  }).end()
  expect(await answer.promise).toBe(400)
})
