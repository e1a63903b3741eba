import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect, test } from 'vitest'
import { encodeInvocation, HubError, rawInvocation, type HubServerOptions } from '../src/index.ts'
import type { HubMessage } from '../src/protocol/hub-message.ts'
import { messagePackProtocol } from '../src/protocol/messagepack-protocol.ts'
import { rawSocket, startedClient, startHub, type RawClient, type TestHub } from './fixture.ts'

type Methods = HubServerOptions<string>['hub']['methods']

const startWith = (methods: Methods, options: Partial<Parameters<typeof startHub>[0]> = {}) =>
  startHub({ ...options, hub: { methods } })
const startedBinaryClient = (hub: TestHub) => startedClient(hub, { protocol: new MessagePackHubProtocol() })
const handshake = '{"protocol":"messagepack","version":1}\u001e'
const bytesOf = (...messages: HubMessage[]) =>
  Buffer.concat(messages.map((message) => messagePackProtocol.encode(message).payload))
const echo = (text: string): HubMessage => ({ type: 1, invocationId: '0', target: 'Echo', arguments: [text] })

/** What the frames behind the answer to the handshake say, all of which have to be binary. */
function answersTo(client: RawClient): Promise<HubMessage[]> {
  const frames: Buffer[] = []
  client.socket.on('message', (data: Buffer, isBinary) => {
    expect(isBinary).toBe(true)
    frames.push(data)
  })
  return client.closed.then(() => {
    const reader = messagePackProtocol.createReader({
      messageBytes: 1_000_000,
      nestingDepth: 32,
      messageValues: 20_000,
    })
    const messages: HubMessage[] = []
    for (const frame of frames.slice(1)) reader.push(frame)
    for (let message = reader.next(); message !== undefined; message = reader.next()) {
      if (message !== null) messages.push(message)
    }
    return messages
  })
}

test('the official client invokes methods and gets their results and errors', async () => {
  await using hub = await startWith({
    Echo: (_, value) => value,
    Nothing: () => {},
    Null: () => null,
    Refuse: () => Promise.reject(new HubError('not_a_member: You are not a member.')),
    RefuseWithoutWords: () => Promise.reject(new HubError('')),
    Crash: () => Promise.reject(new Error('secret')),
  })
  await using client = await startedBinaryClient(hub)
  const text = 'emoji 👩‍👩‍👧 عربي 漢字\nnew line \u001e separator'
  expect(await client.invoke('Echo', text)).toBe(text)
  expect(await client.invoke('echo', { nested: [1, null, { a: true }, -1.5] })).toEqual({
    nested: [1, null, { a: true }, -1.5],
  })
  expect(await client.invoke('Nothing')).toBeUndefined()
  expect(await client.invoke('Null')).toBeNull()
  await expect(client.invoke('Refuse')).rejects.toThrow(new Error('not_a_member: You are not a member.'))
  await expect(client.invoke('Crash')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'Crash' on the server."),
  )
  await expect(client.invoke('Missing')).rejects.toThrow(new Error("Unknown hub method 'Missing'"))
  const results = await Promise.all(Array.from({ length: 50 }, (_, index) => client.invoke('Echo', index)))
  expect(results).toEqual(Array.from({ length: 50 }, (_, index) => index))
})

test('dates, bytes and large integers arrive as what they are, both ways', async () => {
  const heard: unknown[] = []
  await using hub = await startWith({ Echo: (_, ...values) => (heard.push(...values), values) })
  await using client = await startedBinaryClient(hub)
  const values = [
    new Date('2026-01-02T03:04:05.678Z'),
    new Date(-1),
    new Uint8Array([0, 255, 7]),
    2 ** 53 - 1,
    5_000_000_000,
  ]
  expect(await client.invoke('Echo', ...values)).toEqual(values)
  expect(heard).toEqual(values)
})

test('a method may answer with what JSON has no words for', async () => {
  await using hub = await startWith({
    Large: () => 2n ** 40n,
    Bytes: () => Buffer.from('bytes'),
    NotANumber: () => Number.NaN,
  })
  await using client = await startedBinaryClient(hub)
  expect(await client.invoke('Large')).toBe(2 ** 40)
  expect(Buffer.from(await client.invoke('Bytes')).toString()).toBe('bytes')
  expect(await client.invoke('NotANumber')).toBeNaN()
})

test('a result that cannot be written is an error of its call, and the connection goes on', async () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  await using hub = await startWith({
    Echo: (_, value) => value,
    Cycle: () => cycle,
    Function: () => () => 1,
    TooLarge: () => 2n ** 64n,
  })
  await using client = await startedBinaryClient(hub)
  for (const name of ['Cycle', 'Function', 'TooLarge']) {
    await expect(client.invoke(name)).rejects.toThrow(
      new Error(`An unexpected error occurred invoking '${name}' on the server.`),
    )
  }
  expect(await client.invoke('Echo', 1)).toBe(1)
})

test('a message may be as large as 128 KB, and many times larger on the way to the client', async () => {
  await using hub = await startWith({ Repeat: (_, text, count) => String(text).repeat(Number(count)) })
  await using client = await startedBinaryClient(hub)
  const text = '漢'.repeat(40_000)
  expect(await client.invoke('Repeat', text, 1)).toBe(text)
  expect(await client.invoke('Repeat', text, 5)).toBe(text.repeat(5))
  await expect(client.invoke('Repeat', '漢'.repeat(50_000), 1)).rejects.toThrow('Connection closed with an error.')
})

test('a client in JSON and one in MessagePack get the same frame', async () => {
  await using hub = await startWith({})
  await using json = await startedClient(hub)
  await using binary = await startedBinaryClient(hub)
  const heard: unknown[] = []
  json.on('said', (...args: unknown[]) => heard.push(['json', ...args]))
  binary.on('said', (...args: unknown[]) => heard.push(['binary', ...args]))
  await expect.poll(() => hub.connections()).toHaveLength(2)
  const frames = [encodeInvocation('said', ['a', { n: 1 }]), rawInvocation('said', '{"text":"漢字","at":5000000000}')]
  for (const frame of frames) for (const connection of hub.connections()) connection.sendFrame(frame)
  for (const connection of hub.connections()) connection.send('said', 'bye', undefined, null)
  await expect.poll(() => heard).toHaveLength(6)
  for (const protocol of ['json', 'binary']) {
    expect(heard.filter((each) => (each as unknown[])[0] === protocol)).toEqual([
      [protocol, 'a', { n: 1 }],
      [protocol, { text: '漢字', at: 5_000_000_000 }],
      [protocol, 'bye', null, null],
    ])
  }
})

test('the client learns from a Close why, and whether to come back', async () => {
  await using hub = await startWith({})
  await using stays = await startedClient(hub, { protocol: new MessagePackHubProtocol(), reconnect: true })
  const closed = Promise.withResolvers<Error | undefined>()
  stays.onclose(closed.resolve)
  const reconnected = Promise.withResolvers<string | undefined>()
  stays.onreconnected(reconnected.resolve)
  hub.connections()[0]!.close({ allowReconnect: true })
  expect(await reconnected.promise).toEqual(expect.any(String))
  await expect.poll(() => hub.connections()).toHaveLength(1)
  hub.connections()[0]!.close({ error: 'You were banned.' })
  expect((await closed.promise)?.message).toContain('You were banned.')
})

test.each([false, true])(
  'the handshake and all behind it are answered in binary frames, whatever frame it came in (binary: %s)',
  async (binary) => {
    await using hub = await startWith({ Echo: (_, value) => value })
    await using client = await rawSocket(hub)
    const answers = answersTo(client)
    client.socket.send(Buffer.from(handshake), { binary })
    await expect.poll(() => client.frames).toEqual([{ isBinary: true, text: '{}\u001e' }])
    client.socket.send(bytesOf({ type: 6 }, echo('a'), echo('b')))
    await expect.poll(() => client.frames.length).toBeGreaterThan(1)
    client.socket.send(bytesOf({ type: 7 }))
    expect(await answers).toEqual([
      { type: 3, invocationId: '0', error: "Invocation ID '0' is already in use." },
      { type: 3, invocationId: '0', result: 'a' },
    ])
  },
)

test('the handshake and the messages behind it may share a frame, or come byte by byte', async () => {
  const heard: unknown[] = []
  await using hub = await startWith({ Echo: (_, text) => void heard.push(text) })
  const bytes = Buffer.concat([
    Buffer.from(handshake),
    bytesOf(echo('one 👋'), { type: 6 }, { ...echo('two'), invocationId: '1' } as HubMessage),
  ])
  await using whole = await rawSocket(hub)
  whole.socket.send(bytes)
  await expect.poll(() => heard).toEqual(['one 👋', 'two'])
  await using pieces = await rawSocket(hub)
  for (const byte of bytes) pieces.socket.send(Buffer.of(byte))
  await expect.poll(() => heard).toEqual(['one 👋', 'two', 'one 👋', 'two'])
})

test('a handshake that is refused is answered in text, as no protocol is agreed', async () => {
  await using hub = await startWith({})
  await using client = await rawSocket(hub)
  client.socket.send('{"protocol":"messagepack","version":9}\u001e')
  await client.closed
  expect(client.frames[0]?.isBinary).toBe(false)
})

const attack = (body: number[]) => Buffer.concat([Buffer.from(handshake), Buffer.from(body)])

test.each<[string, Buffer]>([
  ['a message that is too large', attack([0x81, 0x80, 0x08])],
  ['a length of more than 2 GB', attack([0x80, 0x80, 0x80, 0x80, 0x08])],
  ['an empty message', attack([0x00])],
  ['deep nesting', Buffer.concat([attack([0xd0, 0x0f]), Buffer.alloc(2_000, 0x91)])],
  ['more elements than bytes', attack([0x0b, 0x96, 0x01, 0x80, 0xc0, 0xa1, 0x54, 0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['more handshakes', attack([...Buffer.from(handshake.repeat(4))])],
  ['a negative sequence', attack([0x03, 0x92, 0x09, 0xff])],
])('%s ends the connection with the known text', async (_, bytes) => {
  await using hub = await startWith({ Echo: (_connection, value) => value })
  await using client = await rawSocket(hub)
  const answers = answersTo(client)
  client.socket.send(bytes)
  expect(await answers).toEqual([{ type: 7, error: 'Connection closed with an error.', allowReconnect: true }])
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['protocol error'])
})
