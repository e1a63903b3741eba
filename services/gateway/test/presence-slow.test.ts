import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { HubEvent, PresenceState } from '@parley/protocol'
import { createHubServer, rawInvocation } from '@parley/signalr'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ChatConnection } from '../src/hub/chat-connection.ts'
import type { Identity } from '../src/identity/identity.ts'
import { ToldStates } from '../src/presence/told-states.ts'

const SEPARATOR = '\u001e'
const CHUNK = rawInvocation('Chunk', new TextEncoder().encode(JSON.stringify('x'.repeat(64 * 1024))))
/** More than the buffers of the operating system take from a client that does not read. */
const MOST_CHUNKS = 1_000

const state = (userId: string, text: string): PresenceState => ({ userId, status: 'online', text, lastSeenAt: null })

/** A client on a real socket, connected to a hub, that keeps what it is told. */
async function connectTo() {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(
    createHubServer<Identity>({
      path: '/hub',
      authenticate: () => ({ actor: { userId: 'viewer' } }) as Identity,
      hub: { methods: {} },
      limits: { bufferedBytes: 64 * 1024 * 1024 },
    }),
  )
  const http = createServer(server.handleRequest)
  server.attach(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  stack.defer(async () => {
    http.close()
    http.closeAllConnections()
    await once(http, 'close')
  })
  const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/hub`)
  stack.defer(() => socket.terminate())
  const told: HubEvent<'PresenceChanged'>[] = []
  socket.on('message', (data: Buffer) => {
    for (const text of data.toString().split(SEPARATOR)) {
      if (!text.includes('"PresenceChanged"')) continue
      told.push((JSON.parse(text) as { arguments: [PresenceState[]] }).arguments[0])
    }
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ protocol: 'json', version: 1 }) + SEPARATOR)
  await expect.poll(() => server.connections.size).toBe(1)
  const opened = stack.move()
  return {
    connection: server.connections.values().next().value as ChatConnection,
    socket,
    told,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

test('for a client that does not read, changes do not pile up: it is told the newest of each when it reads again', async () => {
  await using client = await connectTo()
  using states = new ToldStates()
  const { connection, socket, told } = client
  states.tell(connection, [{ before: state('a', ''), now: state('a', 'first') }])
  await expect.poll(() => told).toEqual([[state('a', 'first')]])
  socket.pause()
  for (let sent = 0; sent < MOST_CHUNKS && !connection.isSlow; sent++) {
    connection.sendFrame(CHUNK)
    await delay(0)
  }
  expect(connection.isSlow).toBe(true)
  const until = performance.now() + 2_500
  let number = 0
  while (performance.now() < until) {
    number += 1
    for (const userId of ['a', 'b']) {
      states.tell(connection, [{ before: state(userId, `${number - 1}`), now: state(userId, `${number}`) }])
    }
    await delay(5)
  }
  expect(states.told).toBe(1)
  socket.resume()
  await expect.poll(() => told.length, { timeout: 10_000 }).toBe(2)
  expect(told[1]).toEqual([state('a', `${number}`), state('b', `${number}`)])
  expect(connection.isSlow).toBe(false)
})
