import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import { HttpTransportType } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import { createHubServer } from '../src/index.ts'
import { startedClient } from './fixture.ts'
import { openPoller, send, startPoller } from './raw-http.ts'

/** A hub in an app: `mount` puts its handler where the app wants it. */
async function startApp(
  path: string,
  mount: (app: Express, handler: ReturnType<typeof createHubServer<string>>['handleRequest']) => void,
) {
  const server = createHubServer<string>({
    path,
    authenticate: () => 'user',
    hub: { methods: { Echo: (_, value) => value, Name: (connection) => connection.transport } },
  })
  const app = express()
  mount(app, server.handleRequest)
  app.get('/elsewhere', (_request, response) => void response.send('app'))
  const http = createServer(app)
  server.attach(http)
  const listening = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    url: origin + path,
    origin,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      const closed = Promise.withResolvers<void>()
      http.close(() => closed.resolve())
      http.closeAllConnections()
      await closed.promise
    },
  }
}

async function expectEveryTransport(hub: { url: string }): Promise<void> {
  for (const name of ['WebSockets', 'ServerSentEvents', 'LongPolling'] as const) {
    await using client = await startedClient(hub, { transport: HttpTransportType[name] })
    expect(await client.invoke('Name')).toBe(name)
    expect(await client.invoke('Echo', 'x'.repeat(50_000))).toHaveLength(50_000)
  }
}

test('a hub in an express app works over every transport, and leaves the rest to the app', async () => {
  await using app = await startApp('/hubs/test', (router, handler) => router.use(handler))
  await expectEveryTransport(app)
  expect(await (await fetch(`${app.origin}/elsewhere`)).text()).toBe('app')
  expect((await fetch(`${app.origin}/nowhere`)).status).toBe(404)
})

test('it may be mounted below a path', async () => {
  await using app = await startApp('/hubs/test', (router, handler) => router.use('/hubs', handler))
  await expectEveryTransport(app)
})

test('body parsers in front of it do not matter as long as they keep the body as it is', async () => {
  await using app = await startApp('/hubs/test', (router, handler) =>
    router.use(express.json(), express.urlencoded(), express.text({ limit: '1mb' }), handler),
  )
  await expectEveryTransport(app)
  await using raw = await startApp('/hubs/test', (router, handler) =>
    router.use(express.raw({ type: () => true, limit: '4mb' }), handler),
  )
  await expectEveryTransport(raw)
  await using client = await startPoller(raw)
  expect(await send(raw, client.query, { method: 'POST', body: 'x'.repeat(1_100_000) })).toMatchObject({ status: 413 })
})

test('a body of which a parser has made something else gets a 500 that says so', async () => {
  await using app = await startApp('/hubs/test', (router, handler) =>
    router.use(express.json({ type: () => true }), handler),
  )
  await using client = await openPoller(app)
  expect(await send(app, client.query, { method: 'POST', body: '{"protocol":"json","version":1}' })).toMatchObject({
    status: 500,
    text: 'The body was read, and changed, before it came to the hub.',
  })
})
