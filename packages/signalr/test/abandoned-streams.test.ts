import { HttpTransportType } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import { officialClient, record, startHub, type TestHub } from './fixture.ts'
import { HANDSHAKE, openEvents, startEvents, statusOf, type RawEvents } from './raw-http.ts'
import { requestProxy, type ProxiedStream } from './request-proxy.ts'

const within = { timeout: 10_000, interval: 10 }
const transport = HttpTransportType.ServerSentEvents
const COMMENT = ':\r\n'
const comments = (text: string) => text.split(COMMENT).length - 1

function recordingClient(proxy: { url: string }) {
  const client = officialClient(proxy, { transport, reconnect: true })
  const events: string[] = []
  const numbers: unknown[] = []
  client.onreconnecting(() => void events.push('reconnecting'))
  client.onreconnected(() => void events.push('reconnected'))
  client.onclose(() => void events.push('closed'))
  client.on('Number', (number: unknown) => void numbers.push(number))
  client.keepAliveIntervalInMilliseconds = 50
  return Object.assign(client, { events, numbers })
}

/** Connected, with a stream behind it that its first attempt has left open. */
async function clientWithAbandonedStream(proxy: Awaited<ReturnType<typeof requestProxy>>) {
  const client = recordingClient(proxy)
  proxy.failNext('GET')
  await expect(client.start()).rejects.toThrow('EventSource failed to connect')
  await client.start()
  // The first attempt's stream comes by itself, about a second later.
  await expect.poll(() => proxy.streams.length, within).toBe(2)
  return { client, live: proxy.streams[0]!, abandoned: proxy.streams[1]! }
}

/** Nobody answers to its token any more. */
const givenBack = (hub: TestHub, { query }: { query: string }) =>
  expect.poll(() => statusOf(hub, query, { headers: { accept: 'text/event-stream' } }), within).toBe(404)

async function countTo(hub: TestHub, client: ReturnType<typeof recordingClient>, most: number) {
  const numbers = Array.from({ length: most }, (_, index) => index)
  for (const number of numbers) hub.server.clients.all.send('Number', number)
  await expect.poll(() => client.numbers.length, within).toBeGreaterThanOrEqual(most)
  expect(client.numbers).toEqual(numbers)
}

const fateOf = ({ ended }: RawEvents) => Promise.race([ended, Promise.resolve('stands' as const)])

const passedSilently = (stream: ProxiedStream, from: number, count: number) =>
  expect.poll(() => comments(stream.text), within).toBeGreaterThanOrEqual(from + count)

test('the official client is not disturbed by a stream that its first attempt has left behind', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 200, keepAliveMs: 50 })
  await using proxy = await requestProxy(hub)
  const { client, live, abandoned } = await clientWithAbandonedStream(proxy)
  await using _client = client
  const { connectionId } = client
  await givenBack(hub, abandoned)
  await passedSilently(abandoned, 1, 5)
  await countTo(hub, client, 100)
  expect([client.events, client.connectionId]).toEqual([[], connectionId])
  expect(abandoned.text).toBe(COMMENT.repeat(comments(abandoned.text)))
  expect([abandoned.isOpen, live.isOpen]).toEqual([true, true])
  expect(hub.connections()).toHaveLength(1)
})

test('the official client comes back once, whatever its attempts before have left behind', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 200, keepAliveMs: 50 })
  await using proxy = await requestProxy(hub)
  await using client = recordingClient(proxy)
  await client.start()
  proxy.failNext('GET')
  proxy.streams[0]!.cut()
  await expect.poll(() => client.events, within).toEqual(['reconnecting', 'reconnected'])
  await expect.poll(() => proxy.streams.length, within).toBe(3)
  const abandoned = proxy.streams[2]!
  await givenBack(hub, abandoned)
  await passedSilently(abandoned, 1, 5)
  await countTo(hub, client, 100)
  expect(client.events).toEqual(['reconnecting', 'reconnected'])
})

test('a handshake that fails once leaves nothing behind, and the next attempt lives on', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 200, keepAliveMs: 50 })
  await using proxy = await requestProxy(hub)
  await using client = recordingClient(proxy)
  proxy.failNext('POST')
  await expect(client.start()).rejects.toThrow()
  await client.start()
  const { connectionId } = client
  await expect.poll(() => proxy.streams.map(({ isOpen }) => isOpen), within).toEqual([false, true])
  await givenBack(hub, proxy.streams[0]!)
  await expect.poll(() => proxy.streams[1]!.text.split(record({ type: 6 })).length, within).toBeGreaterThan(10)
  await countTo(hub, client, 100)
  expect([client.events, client.connectionId]).toEqual([[], connectionId])
})

test('when an abandoned stream breaks, the official client finds its rest after two more connections', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 500, keepAliveMs: 400, clientTimeoutMs: 1_500 })
  await using proxy = await requestProxy(hub)
  const { client, live, abandoned } = await clientWithAbandonedStream(proxy)
  await using _client = client
  await givenBack(hub, abandoned)
  abandoned.cut()
  // It takes that for the end of its connection, whose stream it leaves behind, until the server misses its pings there.
  const twice = ['reconnecting', 'reconnected', 'reconnecting', 'reconnected']
  await expect.poll(() => client.events, within).toEqual(twice)
  expect(hub.ended.map(({ reason }) => reason)).toContain('client timeout')
  await givenBack(hub, live)
  const { connectionId } = client
  await passedSilently(live, comments(live.text), 5)
  await countTo(hub, client, 100)
  expect([client.events, client.connectionId]).toEqual([twice, connectionId])
  expect(hub.connections().map(({ id }) => id)).toEqual([connectionId])
}, 20_000)

test('beyond the limit the oldest abandoned stream is ended, and who has left does not count', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 50, limits: { abandonedSockets: 2 } })
  await using first = await openEvents(hub)
  await givenBack(hub, first)
  await using left = await openEvents(hub)
  await givenBack(hub, left)
  left.abort()
  await left.ended
  await using second = await openEvents(hub)
  await givenBack(hub, second)
  expect(await fateOf(first)).toBe('stands')
  await using third = await openEvents(hub)
  expect(await first.ended).toBe('whole')
  await givenBack(hub, third)
  await using fourth = await openEvents(hub)
  expect(await second.ended).toBe('whole')
  await givenBack(hub, fourth)
  expect([await fateOf(third), await fateOf(fourth)]).toEqual(['stands', 'stands'])
  expect([first, second, third, fourth].map((events) => events.text())).toEqual(Array(4).fill(COMMENT))
  await hub.server.stop()
  expect([await third.ended, await fourth.ended]).toEqual(['whole', 'whole'])
})

test('an abandoned stream is ended when its time is over', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 50, abandonedTimeoutMs: 300 })
  const openedMs = performance.now()
  await using events = await openEvents(hub)
  expect(await events.ended).toBe('whole')
  expect(performance.now() - openedMs).toBeGreaterThan(300)
  expect(events.text()).toBe(COMMENT)
})

test('a handshake that comes too late is refused, without a word on the stream', async () => {
  await using hub = await startHub({ handshakeTimeoutMs: 50 })
  await using events = await openEvents(hub)
  await givenBack(hub, events)
  expect((await events.post(HANDSHAKE)).status).toBe(404)
  expect(events.text()).toBe(COMMENT)
})

test('a server that stops refuses the handshakes to come, and ends their streams behind everything else', async () => {
  const working = Promise.withResolvers<void>()
  await using hub = await startHub({ hub: { methods: { Work: () => working.promise } } })
  await using busy = await startEvents(hub)
  expect((await busy.post({ type: 1, target: 'Work', arguments: [] })).status).toBe(200)
  await using events = await openEvents(hub)
  const stopped = hub.server.stop()
  await expect.poll(async () => (await events.post(HANDSHAKE)).status, within).toBe(404)
  expect((await busy.post({ type: 6 })).status).toBe(200)
  expect(await fateOf(events)).toBe('stands')
  working.resolve()
  await stopped
  expect(await events.ended).toBe('whole')
  expect(events.text()).toBe(COMMENT)
})
