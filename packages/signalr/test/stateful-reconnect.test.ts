import { setTimeout as delay } from 'node:timers/promises'
import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import { expect, test, vi } from 'vitest'
import { breakableProxy } from './breakable-proxy.ts'
import { negotiate, rawSocket, record, refusedUpgrade, startHub, type RawClient, type TestHub } from './fixture.ts'

const within = { timeout: 10_000, interval: 5 }

/** The official client with stateful reconnect, and every event of its life. */
function statefulClient(hub: Pick<TestHub, 'url'>) {
  const client = new HubConnectionBuilder()
    .withUrl(hub.url, { transport: HttpTransportType.WebSockets })
    .withStatefulReconnect()
    .withAutomaticReconnect([0, 50, 100, 200])
    .configureLogging(LogLevel.None)
    .build()
  const events: string[] = []
  client.onreconnecting(() => void events.push('reconnecting'))
  client.onreconnected(() => void events.push('reconnected'))
  client.onclose(() => void events.push('closed'))
  return Object.assign(client, { events, [Symbol.asyncDispose]: () => client.stop() })
}

/** A raw client with a stateful connection, its first ping said. */
async function rawStateful(hub: Pick<TestHub, 'url'>): Promise<RawClient & { query: string }> {
  const { query, body } = await negotiate(hub, { query: '?negotiateVersion=1&useStatefulReconnect=true' })
  expect(body['useStatefulReconnect']).toBe(true)
  const client = await rawSocket(hub, query)
  client.send({ protocol: 'json', version: 2 })
  await expect.poll(() => client.messages.length, within).toBe(1)
  client.send({ type: 6 })
  return Object.assign(client, { query })
}

const counting = (hub: TestHub, to: number, from = 1) => {
  for (let number = from; number <= to; number++) hub.connections()[0]!.send('Number', number)
}
const numbersOf = (client: RawClient) => client.messages.filter(({ type }) => type === 1).map((m) => m['arguments'])
const upTo = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, index) => [index + from])

test('the official client goes on over a new socket: same connection, no event, nothing lost, doubled or reordered', async () => {
  const heard: number[] = []
  await using hub = await startHub({ hub: { methods: { Note: (_, number) => void heard.push(number as number) } } })
  await using proxy = await breakableProxy(hub)
  await using client = statefulClient(proxy)
  const received: number[] = []
  client.on('Number', (number: number) => void received.push(number))
  await client.start()
  const { connectionId } = client
  const sent: Promise<unknown>[] = []
  for (let number = 1; number <= 300; number++) {
    hub.connections()[0]!.send('Number', number)
    sent.push(client.invoke('Note', number))
    if (number % 60 === 0) {
      proxy.cut()
      const before = proxy.taken
      await expect.poll(() => proxy.taken, within).toBeGreaterThan(before)
    }
    if (number % 7 === 0) await delay(1)
  }
  await Promise.all(sent)
  const all = Array.from({ length: 300 }, (_, index) => index + 1)
  await expect.poll(() => received.length, within).toBe(300)
  expect(received).toEqual(all)
  expect(heard).toEqual(all)
  expect(client.events).toEqual([])
  expect(client.connectionId).toBe(connectionId)
  expect(hub.ended).toEqual([])
})

test('what the hub says right behind the handshake is counted by the official client: it comes once, also after a cut', async () => {
  await using hub = await startHub({
    hub: {
      methods: {},
      onConnected(connection) {
        for (let number = 1; number <= 3; number++) connection.send('Number', number)
      },
    },
  })
  await using proxy = await breakableProxy(hub)
  await using client = statefulClient(proxy)
  const received: number[] = []
  client.on('Number', (number: number) => void received.push(number))
  await client.start()
  await expect.poll(() => received, within).toEqual([1, 2, 3])
  proxy.cut()
  await expect.poll(() => proxy.taken, within).toBe(3)
  counting(hub, 5, 4)
  await expect.poll(() => received, within).toEqual([1, 2, 3, 4, 5])
  expect(client.events).toEqual([])
})

test('nothing that counts is sent before the first word of the client', async () => {
  await using hub = await startHub({
    hub: { methods: {}, onConnected: (connection) => connection.send('Number', 1) },
  })
  const { query } = await negotiate(hub, { query: '?negotiateVersion=1&useStatefulReconnect=true' })
  await using client = await rawSocket(hub, query)
  client.send({ protocol: 'json', version: 2 })
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 2, 2)
  await delay(50)
  expect(client.messages).toEqual([{}])
  client.send({ type: 6 })
  await expect.poll(() => numbersOf(client), within).toEqual(upTo(2))
})

test('on the new socket the first frame says which message was not acknowledged, and it goes on from there', async () => {
  await using hub = await startHub()
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 4)
  await expect.poll(() => numbersOf(first), within).toEqual(upTo(4))
  first.send({ type: 8, sequenceId: 2 })
  first.send({ type: 6 })
  await delay(20)
  first.socket.terminate()
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 5, 5)
  await using second = await rawSocket(hub, first.query)
  second.send({ type: 9, sequenceId: 1 })
  await expect.poll(() => second.messages.length, within).toBe(4)
  expect(second.messages[0]).toEqual({ type: 9, sequenceId: 3 })
  expect(numbersOf(second)).toEqual(upTo(5, 3))
  counting(hub, 6, 6)
  await expect.poll(() => numbersOf(second), within).toEqual(upTo(6, 3))
})

test('with nothing to send again the sequence names the next message', async () => {
  await using hub = await startHub()
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 2)
  await expect.poll(() => numbersOf(first).length, within).toBe(2)
  first.send({ type: 8, sequenceId: 2 }, { type: 1, invocationId: '0', target: 'Missing', arguments: [] })
  await first.receives({ type: 3, invocationId: '0' })
  first.send({ type: 8, sequenceId: 3 }, { type: 1, invocationId: '1', target: 'Missing', arguments: [] })
  await first.receives({ type: 3, invocationId: '1' })
  first.send({ type: 8, sequenceId: 4 })
  await first.receives({ type: 8 })
  first.socket.terminate()
  await using second = await rawSocket(hub, first.query)
  second.send({ type: 9, sequenceId: 3 })
  await expect.poll(() => second.messages[0], within).toEqual({ type: 9, sequenceId: 5 })
})

test('the server acknowledges what it has taken, and takes nothing twice', async () => {
  const heard: unknown[] = []
  await using hub = await startHub({ hub: { methods: { Note: (_, number) => void heard.push(number) } } })
  await using first = await rawStateful(hub)
  const note = (number: number) => ({ type: 1, target: 'Note', arguments: [number] })
  first.send(note(1), note(2))
  expect(await first.receives({ type: 8 })).toEqual({ type: 8, sequenceId: 2 })
  first.send(note(3))
  await expect.poll(() => heard, within).toEqual([1, 2, 3])
  first.socket.terminate()
  await using second = await rawSocket(hub, first.query)
  second.send({ type: 9, sequenceId: 2 }, note(2), note(3), note(4))
  await expect.poll(() => heard, within).toEqual([1, 2, 3, 4])
  expect(await second.receives({ type: 8 })).toEqual({ type: 8, sequenceId: 4 })
})

test('a connection that was closed in good order cannot be taken up again', async () => {
  await using hub = await startHub()
  for (const leave of [
    (client: RawClient) => client.socket.close(),
    (client: RawClient) => client.socket.close(1000),
    (client: RawClient) => client.send({ type: 7 }),
    () => hub.connections()[0]!.close(),
    () => hub.connections()[0]!.close({ allowReconnect: true }),
  ]) {
    await using client = await rawStateful(hub)
    await expect.poll(() => hub.connections().length, within).toBe(1)
    leave(client)
    expect((await refusedUpgrade(hub, client.query)).status).toBe(404)
    await client.closed
    expect((await refusedUpgrade(hub, client.query)).status).toBe(404)
  }
})

test('a client that does not come back in time has left, once, and finds nothing afterwards', async () => {
  await using hub = await startHub({ disconnectTimeoutMs: 200 })
  await using client = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  client.socket.terminate()
  await expect.poll(() => hub.ended.map(({ reason }) => reason), within).toEqual(['lost'])
  expect((await refusedUpgrade(hub, client.query)).status).toBe(404)
  expect(hub.connections()).toEqual([])
})

test('on a second socket beside a living one nothing is sent, and the first goes on', async () => {
  await using hub = await startHub({ keepAliveMs: 50 })
  await using first = await rawStateful(hub)
  await using second = await rawSocket(hub, first.query)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 3)
  await expect.poll(() => numbersOf(first), within).toEqual(upTo(3))
  await first.receives({ type: 6 })
  expect(second.messages).toEqual([])
  expect((await refusedUpgrade(hub, first.query)).status).toBe(409)
  first.send({ type: 7 })
  await first.closed
  // The JavaScript client would take its end for the end of another connection.
  expect(second.socket.readyState).toBe(second.socket.OPEN)
  expect(second.messages).toEqual([])
  await hub.server.stop()
  await second.closed
})

test('a client whose old socket hangs takes over with a new one, and the old one is closed', async () => {
  await using hub = await startHub()
  await using proxy = await breakableProxy(hub)
  await using first = await rawStateful(proxy)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 2)
  await expect.poll(() => numbersOf(first).length, within).toBe(2)
  proxy.swallow()
  counting(hub, 3, 3)
  await using second = await rawSocket(hub, first.query)
  second.send({ type: 9, sequenceId: 1 })
  await expect.poll(() => numbersOf(second), within).toEqual(upTo(3))
  expect(hub.ended).toEqual([])
  first.send({ type: 7 })
  counting(hub, 4, 4)
  await expect.poll(() => numbersOf(second), within).toEqual(upTo(4))
})

test('the official client that gives up a silent server by itself leaves no socket behind', async () => {
  await using hub = await startHub({ keepAliveMs: 60_000, clientTimeoutMs: 120_000 })
  await using proxy = await breakableProxy(hub)
  await using client = statefulClient(proxy)
  client.serverTimeoutInMilliseconds = 300
  client.keepAliveIntervalInMilliseconds = 100
  await client.start()
  const abandoned = client.connectionId
  await expect.poll(() => client.events, within).toContain('reconnected')
  expect(client.connectionId).not.toBe(abandoned)
  await client.stop()
  await expect.poll(() => proxy.openSockets, within).toBe(0)
  await expect.poll(() => hub.connections(), within).toEqual([])
})

/** A second socket for a connection, whose client never says where it goes on and ends the connection by its first. */
async function abandonedSocket(hub: TestHub): Promise<RawClient> {
  const first = await rawStateful(hub)
  const second = await rawSocket(hub, first.query)
  first.send({ type: 7 })
  await first.closed
  return second
}

test('a socket that its client has abandoned stands in silence until its time is over', async () => {
  await using hub = await startHub({ abandonedTimeoutMs: 300, keepAliveMs: 50 })
  await using abandoned = await abandonedSocket(hub)
  const sinceMs = performance.now()
  expect(await abandoned.closed).toEqual({ code: 1000 })
  expect(performance.now() - sinceMs).toBeGreaterThan(200)
  expect(abandoned.messages).toEqual([])
})

test('beyond the limit the socket that was abandoned first is closed; a stop closes the rest', async () => {
  await using hub = await startHub({ limits: { abandonedSockets: 2 } })
  await using first = await abandonedSocket(hub)
  await using second = await abandonedSocket(hub)
  expect(first.socket.readyState).toBe(first.socket.OPEN)
  await using third = await abandonedSocket(hub)
  expect(await first.closed).toEqual({ code: 1000 })
  expect([second, third].map(({ socket }) => socket.readyState)).toEqual([1, 1])
  await hub.server.stop()
  expect(await Promise.all([second.closed, third.closed])).toEqual([{ code: 1000 }, { code: 1000 }])
})

test('a client that acknowledges what was not sent, or says where it is without being asked, breaks the protocol', async () => {
  await using hub = await startHub()
  for (const wrong of [
    { type: 8, sequenceId: 1 },
    { type: 8, sequenceId: Number.MAX_SAFE_INTEGER },
    { type: 8, sequenceId: -1 },
    { type: 9, sequenceId: 1 },
    { type: 9, sequenceId: -(2 ** 63) },
  ]) {
    await using client = await rawStateful(hub)
    client.send(wrong)
    await client.closed
    expect(client.messages.at(-1)).toMatchObject({ type: 7, error: 'Connection closed with an error.' })
  }
  await expect.poll(() => hub.ended.map(({ reason }) => reason), within).toEqual(Array(5).fill('protocol error'))
})

test('a client that comes back with a sequence that cannot be is turned away, and the connection waits on', async () => {
  await using hub = await startHub()
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  first.socket.terminate()
  for (const sequenceId of [0, 2, -1]) {
    await using wrong = await rawSocket(hub, first.query)
    wrong.send({ type: 9, sequenceId })
    await wrong.closed
    expect(wrong.messages).toEqual([])
  }
  await using right = await rawSocket(hub, first.query)
  right.send({ type: 6 }, { type: 9, sequenceId: 1 })
  await expect.poll(() => right.messages[0], within).toEqual({ type: 9, sequenceId: 1 })
})

test('a socket that comes back and talks of everything but its sequence is closed', async () => {
  await using hub = await startHub()
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  first.socket.terminate()
  await using second = await rawSocket(hub, first.query)
  for (let count = 0; count < 17; count++) second.socket.send(record({ type: 1, target: 'Note', arguments: [] }))
  await second.closed
  expect(second.messages).toEqual([])
})

test('after a word that makes no sense a socket that comes back is not heard any more, whatever it sends', async () => {
  await using hub = await startHub()
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  first.socket.terminate()
  await using wrong = await rawSocket(hub, first.query)
  // It does not agree to the end of the socket, and goes on.
  wrong.socket.pause()
  wrong.socket.send('nonsense\u001e')
  wrong.send({ type: 9, sequenceId: 1 })
  await using right = await vi.waitFor(() => rawSocket(hub, first.query), within)
  right.send({ type: 9, sequenceId: 1 })
  await expect.poll(() => right.messages[0], within).toEqual({ type: 9, sequenceId: 1 })
  counting(hub, 1)
  await expect.poll(() => numbersOf(right), within).toEqual(upTo(1))
  expect(wrong.messages).toEqual([])
})

test('who acknowledges nothing gets no more than the limit, and is too slow in the end', async () => {
  await using hub = await startHub({ limits: { unacknowledgedBytes: 10_000, bufferedMs: 300 } })
  await using client = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  const connection = hub.connections()[0]!
  const numbers = Array.from({ length: 100 }, (_, index) => index)
  for (const number of numbers) {
    connection.send('Number', number, 'x'.repeat(1_000))
    await delay(0)
  }
  await client.closed
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['slow client'])
  expect(numbersOf(client).length).toBeGreaterThanOrEqual(9)
  expect(numbersOf(client).length).toBeLessThanOrEqual(12)
})

test('who was away longer than a slow client may be gets all that waited', async () => {
  await using hub = await startHub({
    limits: { unacknowledgedBytes: 2_000, bufferedMs: 200 },
    disconnectTimeoutMs: 10_000,
  })
  await using first = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  first.socket.terminate()
  await delay(50)
  counting(hub, 500)
  await delay(500)
  await using second = await rawSocket(hub, first.query)
  second.send({ type: 9, sequenceId: 1 })
  await expect
    .poll(() => {
      second.send({ type: 8, sequenceId: numbersOf(second).length })
      return numbersOf(second).length
    }, within)
    .toBe(500)
  expect(numbersOf(second)).toEqual(upTo(500))
  expect(hub.ended).toEqual([])
})

test('acknowledgements let more through, all of it in order', async () => {
  await using hub = await startHub({ limits: { unacknowledgedBytes: 2_000 } })
  await using client = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  counting(hub, 500)
  await expect
    .poll(() => {
      client.send({ type: 8, sequenceId: numbersOf(client).length })
      return numbersOf(client).length
    }, within)
    .toBe(500)
  expect(numbersOf(client)).toEqual(upTo(500))
})

test('without the handshake version for it a negotiated connection ends with its socket', async () => {
  await using hub = await startHub()
  const { query } = await negotiate(hub, { query: '?negotiateVersion=1&useStatefulReconnect=true' })
  await using client = await rawSocket(hub, query)
  client.send({ protocol: 'json', version: 1 })
  await expect.poll(() => client.messages.length, within).toBe(1)
  client.socket.terminate()
  await expect.poll(() => hub.ended.map(({ reason }) => reason), within).toEqual(['lost'])
})

test('a server that stops does not wait for clients that are away', async () => {
  await using hub = await startHub()
  await using client = await rawStateful(hub)
  await expect.poll(() => hub.connections().length, within).toBe(1)
  client.socket.terminate()
  await delay(20)
  await hub.server.stop()
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['server stopping'])
})
