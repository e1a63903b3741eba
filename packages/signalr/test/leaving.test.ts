import { setTimeout as delay } from 'node:timers/promises'
import { HttpTransportType } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import { ConnectionEndedError, HubError } from '../src/index.ts'
import { rawClient, startHub, startedClient } from './fixture.ts'

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType

test.each([
  ['WebSockets', WebSockets],
  ['Server-Sent Events', ServerSentEvents],
  ['long polling', LongPolling],
])(
  'over %s, what a client has sent before it leaves is done, in order, and only then is the hub told',
  async (_, transport) => {
    const done: unknown[] = []
    await using hub = await startHub({
      hub: {
        methods: {
          async Note(_connection, value) {
            await delay(5)
            done.push(value)
          },
        },
        onConnected: () => delay(30),
        onDisconnected: () => void done.push('told'),
      },
    })
    const client = await startedClient(hub, { transport })
    for (let number = 0; number < 20; number++) await client.send('Note', number)
    await client.stop()
    await expect.poll(() => done.at(-1)).toBe('told')
    expect(done).toEqual([...Array.from({ length: 20 }, (_number, index) => index), 'told'])
    expect(hub.ended.map(({ reason }) => reason)).toEqual(['client closed'])
  },
)

test('a client that leaves does not keep the hub waiting for ever: what has not begun by then is forgotten', async () => {
  let begun = 0
  await using hub = await startHub({
    invocationGraceMs: 50,
    hub: {
      methods: {
        Forever() {
          begun++
          return new Promise(() => {})
        },
      },
    },
  })
  await using client = await startedClient(hub)
  await client.send('Forever')
  await client.send('Forever')
  await client.stop()
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['client closed'])
  expect(begun).toBe(1)
})

test('a client that could not be taken in has nothing done, though it has left before', async () => {
  const failing = Promise.withResolvers<void>()
  let begun = 0
  await using hub = await startHub({
    hub: { methods: { Note: () => void begun++ }, onConnected: () => failing.promise },
  })
  await using client = await rawClient(hub)
  client.send({ type: 1, target: 'Note', arguments: [] }, { type: 7 })
  await client.closed
  failing.reject(new HubError('no'))
  await expect.poll(() => hub.ended.length).toBe(1)
  expect(begun).toBe(0)
})

test('a closing frame of any code is a good-bye, and only a socket without one is lost', async () => {
  await using hub = await startHub()
  for (const [code, reason] of [
    [1000, 'client closed'],
    [1011, 'client closed'],
    [4000, 'client closed'],
    [undefined, 'lost'],
  ] as const) {
    await using client = await rawClient(hub)
    const before = hub.ended.length
    if (code === undefined) client.socket.terminate()
    else client.socket.close(code)
    await expect.poll(() => hub.ended.slice(before).map((end) => end.reason)).toEqual([reason])
  }
})

test('a silent client is timed out although the hub keeps asking it', async () => {
  await using hub = await startHub({ clientTimeoutMs: 300, keepAliveMs: 100 })
  await using _client = await rawClient(hub)
  const connection = hub.connections()[0]!
  const asking = setInterval(() => void connection.invoke('Ask', []).catch(() => {}), 50)
  await expect.poll(() => hub.ended.map(({ reason }) => reason), { timeout: 5_000 }).toEqual(['client timeout'])
  clearInterval(asking)
  await expect(connection.invoke('Ask', [])).rejects.toThrow(ConnectionEndedError)
})

test('bytes of a message that never ends are no sign of life', async () => {
  await using hub = await startHub({ clientTimeoutMs: 300, keepAliveMs: 100 })
  await using client = await rawClient(hub)
  const dripping = setInterval(() => client.socket.send(' '), 50)
  await expect.poll(() => hub.ended.map(({ reason }) => reason), { timeout: 5_000 }).toEqual(['client timeout'])
  clearInterval(dripping)
})

test('stop does not wait for the turn of clients that have gone by themselves', async () => {
  await using hub = await startHub()
  const clients = await Promise.all([startedClient(hub), startedClient(hub)])
  const stopped = hub.server.stop({ overMs: 60_000 })
  await Promise.all(clients.map((client) => client.stop()))
  await stopped
  expect(hub.ended).toHaveLength(2)
})

test('stop asks the clients to leave in another order than that in which they came', async () => {
  await using hub = await startHub()
  const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(hub)))
  const came = hub.connections().map(({ id }) => id)
  await hub.server.stop({ overMs: 200 })
  const left = hub.ended.map(({ id }) => id)
  expect(left.toSorted()).toEqual(came.toSorted())
  expect(left).not.toEqual(came)
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
})
