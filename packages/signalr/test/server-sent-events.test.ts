import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect, test } from 'vitest'
import { encodeInvocation, rawInvocation } from '../src/index.ts'
import { negotiate, record, startHub, type TestHub } from './fixture.ts'
import { HANDSHAKE, openEvents, send, startEvents, statusOf } from './raw-http.ts'

const reasons = (hub: TestHub) => hub.ended.map(({ reason }) => reason)
const tick = (...args: unknown[]) => record({ type: 1, target: 'Tick', arguments: args })

test('the stream begins at once with an empty comment, and nothing on its way is to keep or change it', async () => {
  await using hub = await startHub()
  await using events = await openEvents(hub)
  expect(events.headers.get('content-type')).toBe('text/event-stream')
  expect(events.headers.get('cache-control')).toBe('no-cache, no-store, no-transform')
  expect(events.headers.get('x-accel-buffering')).toBe('no')
  await expect.poll(() => events.text()).toBe(':\r\n')
  const sent = await events.post(HANDSHAKE)
  expect([sent.status, sent.text]).toEqual([200, ''])
  await expect.poll(() => events.text()).toBe(':\r\ndata: {}\u001e\r\n\r\n')
  expect(hub.connections()).toMatchObject([{ id: events.connectionId, transport: 'ServerSentEvents' }])
})

test('every message is an event, in order', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  for (let index = 0; index < 100; index++) hub.connections()[0]!.send('Tick', index, 'two\nlines')
  await expect.poll(() => events.payloads().length).toBe(101)
  expect(events.payloads().slice(1)).toEqual(Array.from({ length: 100 }, (_, index) => tick(index, 'two\nlines')))
})

test('a payload with line breaks becomes several lines of data, and is the same JSON', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  hub.connections()[0]!.sendFrame(rawInvocation('Tick', '{\n  "a": 1,\r\n  "b":\r2}'))
  await expect.poll(() => events.payloads().length).toBe(2)
  const payload = events.payloads()[1]!
  expect(payload.endsWith('\u001e')).toBe(true)
  expect(JSON.parse(payload.slice(0, -1))).toEqual({ type: 1, target: 'Tick', arguments: [{ a: 1, b: 2 }] })
  expect(events.text().match(/^data: /gm)).toHaveLength(1 + 5)
})

test('a client that wants a binary protocol is refused in its handshake, with a clear text', async () => {
  await using hub = await startHub()
  await using events = await openEvents(hub)
  await events.post({ protocol: new MessagePackHubProtocol().name, version: 1 })
  expect(await events.ended).toBe('whole')
  expect(events.payloads()).toEqual([
    record({
      error:
        "Cannot use the 'messagepack' protocol on the current transport. " +
        "The transport does not support 'Binary' transfer format.",
    }),
  ])
})

test('a client that breaks off its stream is lost; one that has said so before has left in good order', async () => {
  await using hub = await startHub()
  const lost = await startEvents(hub)
  lost.abort()
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
  expect((await lost.post({ type: 6 })).status).toBe(404)
  const polite = await startEvents(hub)
  expect((await polite.post({ type: 7 })).status).toBe(200)
  expect(await polite.ended).toBe('whole')
  await expect.poll(() => reasons(hub)).toEqual(['lost', 'client closed'])
})

test('the stream ends in good order behind the Close message', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  hub.connections()[0]!.send('Tick')
  hub.connections()[0]!.close({ error: 'over' })
  expect(await events.ended).toBe('whole')
  expect(events.payloads().slice(1)).toEqual([tick(), record({ type: 7, error: 'over' })])
  expect(await statusOf(hub, events.query, { headers: { accept: 'text/event-stream' } })).toBe(404)
})

test('stop asks clients back and ends their streams', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  await hub.server.stop()
  expect(await events.ended).toBe('whole')
  expect(events.payloads().at(-1)).toBe(record({ type: 7, allowReconnect: true }))
})

test('a second stream for the same connection gets a 409 and harms nobody', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  expect(await statusOf(hub, events.query, { headers: { accept: 'text/event-stream' } })).toBe(409)
  hub.connections()[0]!.send('Tick')
  await expect.poll(() => events.payloads()).toContain(tick())
})

test('a silent client gets pings, is timed out and asked back', async () => {
  await using hub = await startHub({ keepAliveMs: 50, clientTimeoutMs: 200 })
  await using events = await startEvents(hub)
  const close = { type: 7, error: 'Connection closed with an error.', allowReconnect: true }
  await expect.poll(() => events.payloads().at(-1)).toBe(record(close))
  expect(events.payloads()).toContain(record({ type: 6 }))
  expect(reasons(hub)).toEqual(['client timeout'])
  expect((await events.post({ type: 6 })).status).toBe(404)
})

test('DELETE is not for streams', async () => {
  await using hub = await startHub()
  await using events = await startEvents(hub)
  expect(await statusOf(hub, events.query, { method: 'DELETE' })).toBe(400)
  expect(hub.connections()).toHaveLength(1)
})

/** A stream that nobody reads, its handshake done. */
async function stuckReader(hub: TestHub) {
  const { hostname, port } = new URL(hub.url)
  const { query } = await negotiate(hub)
  const socket = connect(Number(port), hostname)
  socket.write(`GET /hubs/test${query} HTTP/1.1\r\nhost: test\r\naccept: text/event-stream\r\n\r\n`)
  socket.pause()
  const body = record(HANDSHAKE)
  await expect.poll(async () => (await send(hub, query, { method: 'POST', body })).status).toBe(200)
  await expect.poll(() => hub.connections().length).toBe(1)
  return socket
}

test('a client that does not read its stream is slow, and cut off in time', async () => {
  await using hub = await startHub()
  const socket = await stuckReader(hub)
  const chunk = encodeInvocation('Chunk', ['x'.repeat(64 * 1024)])
  for (let sent = 0; sent < 500 && hub.connections().length > 0; sent++) {
    hub.connections()[0]!.sendFrame(chunk)
    await delay(0)
  }
  expect(reasons(hub)).toEqual(['slow client'])
  const startedMs = performance.now()
  await hub.server.stop()
  expect(performance.now() - startedMs).toBeLessThan(8_000)
  socket.destroy()
}, 20_000)

test('for a slow client ephemeral frames are dropped and of state frames the newest is kept', async () => {
  await using hub = await startHub({ limits: { bufferedBytes: 64 * 1024 * 1024 } })
  const socket = await stuckReader(hub)
  const connection = hub.connections()[0]!
  const chunk = encodeInvocation('Chunk', ['x'.repeat(64 * 1024)])
  for (let sent = 0; sent < 300; sent++) {
    connection.sendFrame(chunk)
    await delay(0)
  }
  for (let index = 0; index < 1_000; index++) {
    connection.sendFrame(encodeInvocation('Typing', [index]), 'ephemeral')
    connection.sendFrame(encodeInvocation('Read', [index]), { stateKey: 'read' })
  }
  connection.send('Last')
  let text = ''
  socket.on('data', (bytes) => (text = (text + bytes.toString()).slice(-2_000)))
  socket.resume()
  await expect.poll(() => text).toContain('Last')
  expect(text).not.toContain('Typing')
  expect(text.match(/"Read","arguments":\[\d+\]/g)).toEqual(['"Read","arguments":[999]'])
  socket.destroy()
})
