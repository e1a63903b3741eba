import { setTimeout as delay } from 'node:timers/promises'
import { Subject } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect, test } from 'vitest'
import { rawClient, startHub, startedClient, type RawClient, type TestHub } from './fixture.ts'

const closedWithError = { type: 7, error: 'Connection closed with an error.', allowReconnect: true }

async function expectProtocolError(hub: TestHub, client: RawClient): Promise<void> {
  await client.closed
  expect(client.messages.at(-1)).toEqual(closedWithError)
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['protocol error'])
}

const echoing = () =>
  startHub({ hub: { methods: { Echo: (_, value) => value, Length: (_, text) => String(text).length } } })

const invocation = (text: string) => ({ type: 1, invocationId: '0', target: 'Length', arguments: [text] })

test('a message of 128 KB is taken, one byte more ends the connection with the known text', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  const room = 128 * 1024 - JSON.stringify(invocation('')).length - 1
  client.send(invocation('x'.repeat(room)))
  expect(await client.receives({ type: 3 })).toMatchObject({ result: room })
  client.send(invocation('x'.repeat(room + 1)))
  await expectProtocolError(hub, client)
})

test('the official client hears why its message of 200 KB ended the connection', async () => {
  await using hub = await echoing()
  await using client = await startedClient(hub)
  const closed = Promise.withResolvers<Error | undefined>()
  client.onclose(closed.resolve)
  await expect(client.invoke('Length', 'x'.repeat(200_000))).rejects.toThrow()
  expect((await closed.promise)?.message).toContain('Connection closed with an error.')
})

test('with detailed errors the client hears which limit it broke', async () => {
  await using hub = await startHub({ detailedErrors: true, limits: { messageBytes: 1_000 } })
  await using client = await rawClient(hub)
  client.send(invocation('x'.repeat(1_000)))
  await client.closed
  expect(client.messages.at(-1)).toMatchObject({
    error: 'Connection closed with an error. MessageTooLargeError: The maximum message size of 1000B was exceeded.',
  })
})

test('many messages may share one WebSocket message that is larger than one of them may be', async () => {
  await using hub = await echoing()
  await using client = await startedClient(hub)
  const lengths = await Promise.all(Array.from({ length: 9 }, () => client.invoke('Length', 'é'.repeat(50_000))))
  expect(lengths).toEqual(Array.from({ length: 9 }, () => 50_000))
})

test('a WebSocket message of more than 1 MB ends the connection before it is in memory', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  client.send(...Array.from({ length: 11 }, () => invocation('x'.repeat(100_000))))
  expect(await client.closed).toEqual({ code: 1009 })
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['protocol error'])
})

test('a record that never ends is cut off at the message size', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  const chunk = Buffer.alloc(10_000, 0x20)
  for (let sent = 0; sent < 14; sent++) client.socket.send(chunk)
  await expectProtocolError(hub, client)
})

test('a WebSocket message in too many fragments ends the connection', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  for (let sent = 0; sent < 100; sent++) client.socket.send(' ', { fin: false })
  expect(await client.closed).toEqual({ code: 1008 })
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['protocol error'])
})

test('a frame in too many small pieces ends the connection', async () => {
  await using hub = await startHub({ limits: { webSocketChunks: 8 } })
  await using client = await rawClient(hub)
  const tcp = Reflect.get(client.socket, '_socket')
  // The header of a masked text frame of 1,000 bytes, whose payload comes byte by byte.
  tcp.write(Buffer.of(0x81, 0x80 | 126, 0x03, 0xe8, 0, 0, 0, 0))
  const dripping = setInterval(() => tcp.write(Buffer.of(0x20)), 2)
  expect(await client.closed).toEqual({ code: 1008 })
  clearInterval(dripping)
})

test('a message may nest 32 levels and no more', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  const nested = (levels: number): unknown => (levels === 0 ? '[{]}"\\' : [nested(levels - 1)])
  // The message is the first level and its arguments are the second.
  client.send({ type: 1, invocationId: '0', target: 'Echo', arguments: [nested(30)] })
  expect(await client.receives({ type: 3 })).toMatchObject({ result: nested(30) })
  client.send({ type: 1, invocationId: '1', target: 'Echo', arguments: [nested(31)] })
  await expectProtocolError(hub, client)
})

const NO_MESSAGES = [
  '{}',
  '',
  'x',
  '42',
  'null',
  '[]',
  '{"type":"1"}',
  '{"type":1.5}',
  '{"type":1}',
  '{"protocol":"json","version":1}',
  '{"type":1,"target":"","arguments":[]}',
  '{"type":1,"target":"Echo"}',
  '{"type":1,"target":"Echo","arguments":{}}',
  '{"type":1,"target":"Echo","arguments":[],"invocationId":1}',
  '{"type":1,"target":"Echo","arguments":[],"headers":{"a":1}}',
  '{"type":2,"invocationId":"1"}',
  '{"type":3,"invocationId":"1","result":1,"error":"both"}',
  '{"type":8}',
  '{"type":8,"sequenceId":-1}',
  '{"type":9,"sequenceId":-9223372036854775808}',
  `{"type":1,"target":"Echo","arguments":${'['.repeat(100_000)}`,
]

test.each(NO_MESSAGES.map((text) => ({ text, start: text.slice(0, 60) })))(
  "'$start' is not a message and ends the connection",
  async ({ text }) => {
    await using hub = await echoing()
    await using client = await rawClient(hub)
    client.socket.send(`${text}\u001e`)
    await expectProtocolError(hub, client)
  },
)

test('ten thousand messages in one frame are all answered', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  const total = 10_000
  client.send(
    ...Array.from({ length: total }, (_, index) => ({
      type: 1,
      invocationId: `${index}`,
      target: 'Echo',
      arguments: [index],
    })),
  )
  await client.receives({ type: 3, invocationId: `${total - 1}` })
  expect(client.messages.slice(1).map(({ result }) => result)).toEqual(
    Array.from({ length: total }, (_, index) => index),
  )
})

test('a message may hold 20,000 values and no more, however small they are', async () => {
  await using hub = await echoing()
  await using client = await rawClient(hub)
  const values = (count: number) => ({ type: 1, invocationId: '0', target: 'Echo', arguments: [Array(count).fill(0)] })
  client.send(values(19_900))
  expect(await client.receives({ type: 3 })).toMatchObject({ result: Array(19_900).fill(0) })
  client.send(values(20_000))
  await expectProtocolError(hub, client)
  await using other = await startedClient(hub, { protocol: new MessagePackHubProtocol() })
  expect(await other.invoke('Echo', Array(19_900).fill(0))).toHaveLength(19_900)
  await expect(other.invoke('Echo', Array(20_000).fill(0))).rejects.toThrow('Connection closed with an error.')
})

test('invocations that take more memory than allowed wait with the client, and all are answered in the end', async () => {
  const free = Promise.withResolvers<void>()
  let running = 0
  await using hub = await startHub({
    maximumParallelInvocations: 100,
    limits: { unfinishedInvocations: 100, unfinishedBytes: 20_000 },
    hub: {
      methods: {
        async Hold(_, text) {
          running++
          await free.promise
          return String(text).length
        },
      },
    },
  })
  await using client = await startedClient(hub)
  const calls = Array.from({ length: 60 }, () => client.invoke('Hold', 'x'.repeat(2_000)))
  await expect.poll(() => running).toBeGreaterThanOrEqual(8)
  await delay(50)
  expect(running).toBeLessThanOrEqual(10)
  free.resolve()
  expect(await Promise.all(calls)).toEqual(Array(60).fill(2_000))
})

test('streams whose arguments take more memory than allowed together are refused until others have ended', async () => {
  await using hub = await startHub({
    limits: { unfinishedBytes: 20_000 },
    hub: {
      methods: {
        Forever: { streams: true, run: (_, __, { signal }) => untilAborted(signal) },
      },
    },
  })
  await using client = await rawClient(hub)
  const start = (invocationId: string) => ({
    type: 4,
    invocationId,
    target: 'Forever',
    arguments: ['x'.repeat(12_000)],
  })
  client.send(start('0'), start('1'))
  expect(await client.receives({ type: 3, invocationId: '1' })).toMatchObject({
    error: 'The arguments of the open streams are too large together.',
  })
  client.send({ type: 5, invocationId: '0' })
  await client.receives({ type: 3, invocationId: '0' })
  await expect
    .poll(() => {
      client.send(start('2'), { type: 5, invocationId: '2' })
      return client.messages.some(({ invocationId, error }) => invocationId === '2' && error === undefined)
    })
    .toBe(true)
})

test('items of uploads that take more memory than allowed wait with the client, and all arrive in order', async () => {
  await using hub = await startHub({
    limits: { unfinishedBytes: 20_000 },
    hub: {
      methods: {
        Lengths: {
          uploads: 1,
          async run(_, __, { uploads: [texts] }) {
            const lengths: number[] = []
            for await (const text of texts!) {
              lengths.push(String(text).length)
              await delay(1)
            }
            return lengths
          },
        },
      },
    },
  })
  await using client = await startedClient(hub)
  const subjects = [new Subject<string>(), new Subject<string>()]
  const results = subjects.map((subject) => client.invoke('Lengths', subject))
  const lengths = Array.from({ length: 40 }, (_, index) => 8_000 + index)
  for (const length of lengths) for (const subject of subjects) subject.next('x'.repeat(length))
  for (const subject of subjects) subject.complete()
  expect(await Promise.all(results)).toEqual([lengths, lengths])
})

/** A stream without items, until it is aborted. */
// oxlint-disable-next-line require-yield
async function* untilAborted(signal: AbortSignal): AsyncGenerator<never, void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
}
