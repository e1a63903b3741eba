import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { encodeInvocation } from '../src/index.ts'
import { negotiate, record, startHub, type TestHub } from './fixture.ts'
import { openPoller, startPoller, statusOf } from './raw-http.ts'

const CLOSE = record({ type: 7 })
const COME_BACK = record({ type: 7, allowReconnect: true })
const reasons = (hub: TestHub) => hub.ended.map(({ reason }) => reason)
const tick = (...args: unknown[]) => record({ type: 1, target: 'Tick', arguments: args })

test('the first poll is answered at once with nothing, the next one waits for the answer to the handshake', async () => {
  await using hub = await startHub()
  await using client = await openPoller(hub)
  const { poll, post, connectionId } = client
  const parked = poll()
  const sent = await post({ protocol: 'json', version: 1 })
  expect([sent.status, sent.text]).toEqual([200, ''])
  const { status, headers, text } = await parked
  expect([status, text]).toEqual([200, '{}\u001e'])
  expect(headers.get('content-type')).toBe('application/octet-stream')
  expect(headers.get('cache-control')).toContain('no-cache')
  expect(headers.get('x-accel-buffering')).toBe('no')
  expect(hub.connections()).toMatchObject([{ id: connectionId, transport: 'LongPolling' }])
})

test('what is sent together comes in one answer, and what is sent between two polls with the next', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll } = client
  const connection = hub.connections()[0]!
  const parked = poll()
  connection.send('Tick', 1)
  connection.send('Tick', 2)
  expect((await parked).text).toBe(tick(1) + tick(2))
  for (let index = 3; index <= 5; index++) {
    connection.send('Tick', index)
    await delay(5)
  }
  let text = ''
  while (!text.includes('[5]')) text += (await poll()).text
  expect(text).toBe(tick(3) + tick(4) + tick(5))
})

test('a poll for which there is nothing is answered with nothing after its time, and the connection goes on', async () => {
  await using hub = await startHub({ pollTimeoutMs: 100, disconnectTimeoutMs: 5_000 })
  await using client = await startPoller(hub)
  const { poll } = client
  for (let round = 0; round < 3; round++) {
    const startedMs = performance.now()
    expect(await poll()).toMatchObject({ status: 200, text: '' })
    expect(performance.now() - startedMs).toBeGreaterThan(50)
  }
  expect(hub.connections()).toHaveLength(1)
})

test('a new poll ends the one that waits with 204, and gets what comes', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll } = client
  const first = poll()
  await delay(20)
  const second = poll()
  expect(await first).toMatchObject({ status: 204, text: '' })
  hub.connections()[0]!.send('Tick')
  expect(await second).toMatchObject({ status: 200, text: tick() })
})

test('a client that does not poll any more is lost after the disconnect timeout, and its id unknown', async () => {
  await using hub = await startHub({ disconnectTimeoutMs: 100 })
  await using client = await startPoller(hub)
  const { poll } = client
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
  expect(await poll()).toMatchObject({ status: 404, text: 'No Connection with that ID' })
})

test('a poll that is broken off while it waits takes nothing with it', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll } = client
  const leaving = new AbortController()
  const left = poll({ signal: leaving.signal })
  await delay(30)
  leaving.abort()
  await expect(left).rejects.toThrow()
  await delay(30)
  hub.connections()[0]!.send('Tick')
  expect((await poll()).text).toBe(tick())
  expect(reasons(hub)).toEqual([])
})

test('a client that polls and then leaves without a word is lost after the disconnect timeout, not the poll timeout', async () => {
  await using hub = await startHub({ disconnectTimeoutMs: 100, pollTimeoutMs: 60_000 })
  await using client = await startPoller(hub)
  const { poll } = client
  const leaving = new AbortController()
  const left = poll({ signal: leaving.signal })
  await delay(300)
  expect(reasons(hub)).toEqual([])
  leaving.abort()
  await expect(left).rejects.toThrow()
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
})

test('an answer that is lost on its way ends the connection: no client goes on over a hole', async () => {
  await using hub = await startHub({ limits: { bufferedBytes: 64 * 1024 * 1024 } })
  await using client = await startPoller(hub)
  const { poll, query } = client
  const { hostname, port, pathname } = new URL(hub.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${pathname}${query} HTTP/1.1\r\nhost: test\r\n\r\n`)
  socket.pause()
  await delay(50)
  hub.connections()[0]!.send('Large', 'x'.repeat(30_000_000))
  await delay(50)
  socket.destroy()
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
  expect((await poll()).status).toBe(404)
})

test('a client that polls again while an answer of it is lost hears nothing but that it is over', async () => {
  await using hub = await startHub({ limits: { bufferedBytes: 64 * 1024 * 1024 } })
  await using client = await startPoller(hub)
  const { hostname, port, pathname } = new URL(hub.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${pathname}${client.query} HTTP/1.1\r\nhost: test\r\n\r\n`)
  socket.pause()
  await delay(50)
  hub.connections()[0]!.send('Large', 'x'.repeat(30_000_000))
  await delay(50)
  const next = client.poll()
  await delay(50)
  hub.connections()[0]!.send('Tick')
  socket.destroy()
  expect(await next).toMatchObject({ status: 204, text: '' })
  await expect.poll(() => reasons(hub)).toEqual(['lost'])
})

test('a client over long polling gets no pings and may be silent', async () => {
  await using hub = await startHub({ keepAliveMs: 20, clientTimeoutMs: 40, pollTimeoutMs: 500 })
  await using client = await startPoller(hub)
  const { poll } = client
  expect(await poll()).toMatchObject({ status: 200, text: '' })
  expect(reasons(hub)).toEqual([])
})

test('who does not shake hands in time is told so, and that it is over', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 100 })
  await using client = await openPoller(hub)
  const { poll } = client
  expect((await poll()).text).toBe(record({ error: 'Handshake was canceled.' }))
  expect((await poll()).status).toBe(204)
  expect((await poll()).status).toBe(404)
})

test('DELETE ends the connection at once', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll, leave, post } = client
  const parked = poll()
  await delay(20)
  expect(await leave()).toMatchObject({ status: 202, text: '' })
  expect((await parked).status).toBe(204)
  await expect.poll(() => reasons(hub)).toEqual(['client closed'])
  expect([(await leave()).status, (await poll()).status, (await post({ type: 6 })).status]).toEqual([404, 404, 404])
})

test('the end between two polls reaches the client: first what was sent, then 204, and only then 404', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll, post } = client
  hub.connections()[0]!.send('Tick')
  hub.connections()[0]!.close()
  expect((await post({ type: 6 })).status).toBe(404)
  expect((await poll()).text).toBe(tick() + CLOSE)
  expect((await poll()).status).toBe(204)
  expect((await poll()).status).toBe(404)
})

test('the end while a poll waits answers that, and the next with 204', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll, post } = client
  const parked = poll()
  await delay(20)
  expect((await post({ type: 7 })).status).toBe(200)
  expect((await parked).status).toBe(204)
  expect(reasons(hub)).toEqual(['client closed'])
  expect((await poll()).status).toBe(404)
})

test('a 204 that is lost comes again', async () => {
  await using hub = await startHub()
  await using client = await startPoller(hub)
  const { poll } = client
  const first = poll()
  await delay(20)
  hub.connections()[0]!.close()
  expect((await first).text).toBe(CLOSE)
  // The id is kept until somebody has asked.
  await delay(100)
  expect((await poll()).status).toBe(204)
})

test('stop asks clients back and tells each that it is over, whether a poll waits or has yet to come', async () => {
  await using hub = await startHub()
  await using parked = await startPoller(hub)
  await using between = await startPoller(hub)
  const answer = parked.poll()
  await delay(20)
  const stopped = hub.server.stop()
  expect((await answer).text).toBe(COME_BACK)
  expect((await parked.poll()).status).toBe(204)
  expect((await between.poll()).text).toBe(COME_BACK)
  expect((await between.poll()).status).toBe(204)
  await stopped
  expect(reasons(hub)).toEqual(['server stopping', 'server stopping'])
})

test.each([
  { disconnectTimeoutMs: 200, mostMs: 2_000 },
  { disconnectTimeoutMs: 60_000, mostMs: 15_000 },
])(
  'stop waits neither for the disconnect timeout of $disconnectTimeoutMs ms nor much more than 5 s for a client that never polls again',
  async ({ disconnectTimeoutMs, mostMs }) => {
    await using hub = await startHub({ disconnectTimeoutMs })
    await startPoller(hub)
    const startedMs = performance.now()
    await hub.server.stop()
    expect(performance.now() - startedMs).toBeLessThan(mostMs)
    expect(reasons(hub)).toEqual(['server stopping'])
  },
)

test('a client for which something waits too long is slow: it is told with its next poll, and may come back', async () => {
  await using hub = await startHub({ limits: { bufferedMs: 100 } })
  await using client = await startPoller(hub)
  const { poll } = client
  hub.connections()[0]!.send('Tick')
  await expect.poll(() => reasons(hub)).toEqual(['slow client'])
  expect((await poll()).text).toBe(tick() + record({ type: 7, error: 'slow client', allowReconnect: true }))
  expect((await poll()).status).toBe(204)
})

test('a client for which too much waits is slow', async () => {
  await using hub = await startHub()
  await using _client = await startPoller(hub)
  const chunk = encodeInvocation('Chunk', ['x'.repeat(64 * 1024)])
  for (let sent = 0; sent < 17; sent++) hub.connections()[0]?.sendFrame(chunk)
  expect(reasons(hub)).toEqual([])
  await delay(5)
  hub.connections()[0]?.sendFrame(chunk)
  await expect.poll(() => reasons(hub)).toEqual(['slow client'])
})

test('for a client that polls too rarely ephemeral frames are dropped and of state frames the newest is kept', async () => {
  await using hub = await startHub({ limits: { lossyAboveBytes: 1_000 } })
  await using client = await startPoller(hub)
  const { poll } = client
  const connection = hub.connections()[0]!
  connection.send('Large', 'x'.repeat(1_000))
  for (let index = 0; index < 100; index++) {
    connection.sendFrame(encodeInvocation('Typing', [index]), 'ephemeral')
    connection.sendFrame(encodeInvocation('Read', [index]), { stateKey: 'read' })
  }
  connection.send('Last')
  let text = ''
  while (!text.includes('Last')) text += (await poll()).text
  expect(text).not.toContain('Typing')
  expect(text.match(/"Read","arguments":\[\d+\]/g)).toEqual(['"Read","arguments":[99]'])
})

test('a poll and a POST may come right behind each other on one socket', async () => {
  await using hub = await startHub({ hub: { methods: { Echo: (_, value) => value } } })
  await using client = await startPoller(hub)
  const { query } = client
  const { hostname, port, pathname } = new URL(hub.url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString()))
  const body = record({ type: 1, invocationId: '0', target: 'Echo', arguments: ['hi'] })
  const poll = `GET ${pathname}${query} HTTP/1.1\r\nhost: test\r\n\r\n`
  const post = `POST ${pathname}${query} HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  socket.write(poll + post)
  await expect.poll(() => received.match(/HTTP\/1.1 200/g)?.length).toBe(2)
  expect(received).toContain(record({ type: 3, invocationId: '0', result: 'hi' }))
  received = ''
  socket.write(post + poll)
  await expect.poll(() => received.match(/HTTP\/1.1 200/g)?.length).toBe(2)
  expect(received).toContain(record({ type: 3, invocationId: '0', result: 'hi' }))
  socket.destroy()
  await once(socket, 'close')
})

test('of many first polls one opens the connection, and the others are polls like all others', async () => {
  await using hub = await startHub({ authenticate: () => delay(10, 'user') })
  const { query } = await negotiate(hub)
  const polls = Array.from({ length: 5 }, () => statusOf(hub, query))
  await delay(100)
  expect(await statusOf(hub, query, { method: 'DELETE' })).toBe(202)
  expect((await Promise.all(polls)).toSorted((a, b) => a - b)).toEqual([200, 204, 204, 204, 204])
})
