import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { encodeInvocation } from '../src/index.ts'
import { rawClient, startHub, type RawClient, type TestHub } from './fixture.ts'

const CHUNK = encodeInvocation('Chunk', ['x'.repeat(64 * 1024)])
/** More than the buffers of the operating system take from a client that does not read. */
const CHUNKS = 300

async function fill(hub: TestHub): Promise<void> {
  const connection = hub.connections()[0]!
  for (let sent = 0; sent < CHUNKS && hub.connections().length > 0; sent++) {
    connection.sendFrame(CHUNK)
    await delay(0)
  }
}

const targets = (client: RawClient) =>
  client.messages.slice(1 + CHUNKS).map(({ target, arguments: args }) => [target, args])

test('for a slow client ephemeral frames are dropped and of state frames the newest of each key is kept', async () => {
  await using hub = await startHub({ limits: { bufferedBytes: 64 * 1024 * 1024 } })
  await using client = await rawClient(hub)
  client.socket.pause()
  await fill(hub)
  const connection = hub.connections()[0]!
  connection.send('First')
  for (let index = 0; index < 1_000; index++) {
    connection.sendFrame(encodeInvocation('Typing', [index]), 'ephemeral')
    connection.sendFrame(encodeInvocation('Read', ['a', index]), { stateKey: 'read a' })
    if (index < 500) connection.sendFrame(encodeInvocation('Read', ['b', index]), { stateKey: 'read b' })
  }
  connection.send('Last')
  await delay(0)
  client.socket.resume()
  await client.receives({ target: 'Last' })
  expect(targets(client)).toEqual([
    ['First', []],
    ['Read', ['b', 499]],
    ['Read', ['a', 999]],
    ['Last', []],
  ])
})

test('for a client that keeps up nothing is dropped', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  const connection = hub.connections()[0]!
  for (let index = 0; index < 3; index++) {
    connection.sendFrame(encodeInvocation('Typing', [index]), 'ephemeral')
    connection.sendFrame(encodeInvocation('Read', [index]), { stateKey: 'read' })
  }
  await expect.poll(() => client.messages.length).toBe(7)
})

test('a client for which more than 1 MB waits is closed and may reconnect', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  client.socket.pause()
  await fill(hub)
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['slow client'])
  client.socket.resume()
  await client.closed
  expect(client.messages.at(-1)).toEqual({ type: 7, error: 'slow client', allowReconnect: true })
})

test('a client for which the oldest byte has waited too long is closed and may reconnect', async () => {
  await using hub = await startHub({
    limits: { bufferedBytes: 64 * 1024 * 1024, bufferedMs: 200 },
  })
  await using client = await rawClient(hub)
  client.socket.pause()
  await fill(hub)
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['slow client'])
  client.socket.resume()
  await client.closed
  expect(client.messages.at(-1)).toEqual({ type: 7, error: 'slow client', allowReconnect: true })
})

test('a slow client that never reads again is cut off, and does not slow down another', async () => {
  await using hub = await startHub()
  await using slow = await rawClient(hub)
  await using quick = await rawClient(hub)
  slow.socket.pause()
  const connections = hub.connections()
  for (let sent = 0; sent < CHUNKS; sent++) {
    for (const connection of connections) connection.sendFrame(CHUNK)
    await delay(0)
  }
  await expect.poll(() => quick.messages.length, { timeout: 20_000 }).toBe(1 + CHUNKS)
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['slow client'])
  await slow[Symbol.asyncDispose]()
})

test('a burst of one turn that is larger than 1 MB is no sign of a slow client', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  const connection = hub.connections()[0]!
  connection.send('Large', 'x'.repeat(1_500_000))
  for (let sent = 0; sent < 30; sent++) connection.sendFrame(CHUNK)
  connection.send('Last')
  await client.receives({ target: 'Last' })
  expect(hub.ended).toEqual([])
})
