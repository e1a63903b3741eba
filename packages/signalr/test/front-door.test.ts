import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { AbandonedSockets } from '../src/abandoned-sockets.ts'
import { createFrontDoor } from '../src/http/front-door.ts'
import type { Tenant } from '../src/http/house.ts'
import { defaultLimits } from '../src/limits.ts'
import { encodeTextRecord } from '../src/protocol/encoded-message.ts'
import { TimingWheel } from '../src/timing-wheel.ts'
import type { TransportListener } from '../src/transport/transport.ts'
import { negotiate } from './fixture.ts'
import { openEvents, openPoller, send } from './raw-http.ts'

/** A server without hubs: it sends back what it gets. */
async function startEcho() {
  const wheel = new TimingWheel(10)
  const abandoned = new AbandonedSockets(wheel, { most: 1, lifetimeTicks: 1, keepAliveTicks: 1 })
  const tenants = new Map<string, Tenant<string>>()
  const frontDoor = createFrontDoor<string>(
    { path: '/echo', authenticate: () => 'user', limits: defaultLimits, wheel, abandoned, counts: { turnedAway: 0 } },
    {
      isStopping: false,
      find: (connectionId) => tenants.get(connectionId),
      open({ connectionId, identity, transport: name, openTransport }) {
        const listener: TransportListener = {
          received(bytes) {
            transport.write([encodeTextRecord(bytes.toString(), false)])
            if (bytes.toString() === 'bye') transport.close()
          },
          drained() {},
          closed: () => void tenants.delete(connectionId),
        }
        const transport = openTransport(listener)
        tenants.set(connectionId, { identity, transport: name, hasEnded: false })
      },
    },
  )
  const http = createServer(frontDoor.handleRequest)
  http.on('upgrade', frontDoor.handleUpgrade)
  const listening = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/echo`,
    tenants,
    async [Symbol.asyncDispose]() {
      await expect.poll(() => tenants.size).toBe(0)
      frontDoor[Symbol.dispose]()
      wheel[Symbol.dispose]()
      const closed = Promise.withResolvers<void>()
      http.close(() => closed.resolve())
      http.closeAllConnections()
      await closed.promise
    },
  }
}

test('whatever lives on connections can be put behind the front door, over every transport', async () => {
  await using echo = await startEcho()
  const { query } = await negotiate(echo)
  const socket = new WebSocket(echo.url.replace('http', 'ws') + query)
  const heard: string[] = []
  socket.on('open', () => socket.send('hi'))
  socket.on('message', (data: Buffer) => heard.push(data.toString()))
  await expect.poll(() => heard).toEqual(['hi\u001e'])
  socket.close()

  await using events = await openEvents(echo)
  await send(echo, events.query, { method: 'POST', body: 'hi' })
  await expect.poll(() => events.payloads()).toEqual(['hi\u001e'])
  await send(echo, events.query, { method: 'POST', body: 'bye' })
  expect(await events.ended).toBe('whole')

  await using poller = await openPoller(echo)
  await send(echo, poller.query, { method: 'POST', body: 'hi' })
  expect((await poller.poll()).text).toBe('hi\u001e')
  await send(echo, poller.query, { method: 'POST', body: 'bye' })
  expect((await poller.poll()).text).toBe('bye\u001e')
  expect((await poller.poll()).status).toBe(204)
})
