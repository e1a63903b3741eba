import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { encodeInvocation, HubError, rawInvocation, type HubServerOptions } from '../src/index.ts'
import { rawClient, record, startHub, startedClient } from './fixture.ts'
import { stuckBytes } from './stuck-bytes.ts'

type Methods = HubServerOptions<string>['hub']['methods']

const startWith = (methods: Methods, options: Partial<Parameters<typeof startHub>[0]> = {}) =>
  startHub({ ...options, hub: { methods } })

test('the official client invokes methods and gets their results, whatever the case of their names', async () => {
  await using hub = await startWith({
    Echo: (_, value) => value,
    Later: (_, value) => delay(1, value),
    Nothing: () => {},
    Null: () => null,
    WhoAmI: (connection) => connection.identity,
  })
  await using client = await startedClient(hub)
  const text = 'emoji 👩‍👩‍👧 عربي 漢字\nnew line \u001e separator'
  expect(await client.invoke('Echo', text)).toBe(text)
  expect(await client.invoke('echo', { nested: [1, null, { a: true }] })).toEqual({ nested: [1, null, { a: true }] })
  expect(await client.invoke('LATER', 7)).toBe(7)
  expect(await client.invoke('Nothing')).toBeUndefined()
  expect(await client.invoke('Null')).toBeNull()
  expect(await client.invoke('WhoAmI')).toBe('user')
})

test('only own methods of the hub exist', async () => {
  await using hub = await startWith({ Echo: (_, value) => value })
  await using client = await startedClient(hub)
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'Missing', 'ECHO ']) {
    await expect(client.invoke(name)).rejects.toThrow(new Error(`Unknown hub method '${name}'`))
  }
})

test('two methods whose names differ only by case are refused at once', async () => {
  await expect(startWith({ Echo: () => 1, echo: () => 2 })).rejects.toThrow("The hub has two methods named 'echo'.")
})

test('the text of a HubError reaches the client, that of another error does not', async () => {
  await using hub = await startWith({
    Refuse: () => Promise.reject(new HubError('not_a_member: You are not a member.')),
    Crash: () => {
      throw new TypeError('secret')
    },
    Speechless: () => Promise.reject(new HubError()),
    Unwritable: () => 1n,
  })
  await using client = await startedClient(hub)
  await expect(client.invoke('Speechless')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'Speechless' on the server."),
  )
  await expect(client.invoke('refuse')).rejects.toThrow(new Error('not_a_member: You are not a member.'))
  await expect(client.invoke('crash')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'crash' on the server."),
  )
  await expect(client.invoke('Unwritable')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'Unwritable' on the server."),
  )
})

test('with detailed errors the client gets the name and the text of every error', async () => {
  await using hub = await startWith(
    {
      Crash: () => {
        throw new TypeError('detail')
      },
    },
    { detailedErrors: true },
  )
  await using client = await startedClient(hub)
  await expect(client.invoke('Crash')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'Crash' on the server. TypeError: detail"),
  )
})

test('an invocation without id gets no reply of any kind', async () => {
  const heard: unknown[] = []
  await using hub = await startWith({
    Say: (_, text) => heard.push(text),
    Crash: () => {
      throw new Error('never told')
    },
    Done: () => 'done',
  })
  await using client = await rawClient(hub)
  client.send(
    { type: 1, target: 'Say', arguments: ['hi'] },
    { type: 1, target: 'Crash', arguments: [] },
    { type: 1, target: 'Missing', arguments: [] },
    { type: 1, invocationId: '0', target: 'Done', arguments: [] },
  )
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: '0', result: 'done' })
  expect(client.messages).toHaveLength(2)
  expect(heard).toEqual(['hi'])
})

test('streams that a method does not have are refused in words the clients know', async () => {
  await using hub = await startWith({ Echo: (_, value) => value })
  await using client = await startedClient(hub)
  const streamed = (name: string) =>
    new Promise((resolve, reject) => {
      client.stream(name).subscribe({ next: () => {}, complete: () => resolve(undefined), error: reject })
    })
  await expect(streamed('Echo')).rejects.toThrow(
    "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.",
  )
  await expect(streamed('Missing')).rejects.toThrow("Unknown hub method 'Missing'")
  await using raw = await rawClient(hub)
  raw.send(
    { type: 1, invocationId: '1', target: 'Echo', arguments: [], streamIds: ['2'] },
    { type: 2, invocationId: '2', item: 1 },
    { type: 3, invocationId: '2' },
    { type: 5, invocationId: '1' },
    { type: 5, invocationId: 'unknown' },
    { type: 8, sequenceId: 99 },
    { type: 9, sequenceId: 1 },
    { type: 9, sequenceId: 1 },
    { type: 42, whatever: true },
    { type: 1, invocationId: '3', target: 'Echo', arguments: ['still here'] },
  )
  await raw.receives({ type: 3, invocationId: '3', result: 'still here' })
  expect(await raw.receives({ type: 3, invocationId: '1' })).toEqual({
    type: 3,
    invocationId: '1',
    error:
      "An unexpected error occurred invoking 'Echo' on the server. HubException: Client sent 1 stream(s), Hub method expects 0.",
  })
})

test('invocations of one connection run one after another, in the order in which they came', async () => {
  let running = 0
  let most = 0
  const order: unknown[] = []
  const hubMethods: Methods = {
    async Step(_, index) {
      most = Math.max(most, ++running)
      await delay(Math.random() * 5)
      order.push(index)
      running--
    },
  }
  await using hub = await startWith(hubMethods)
  await using client = await startedClient(hub)
  const indexes = Array.from({ length: 50 }, (_, index) => index)
  await Promise.all(indexes.map((index) => client.invoke('Step', index)))
  expect(order).toEqual(indexes)
  expect(most).toBe(1)
})

test('several invocations run at once if the server says so', async () => {
  let running = 0
  let most = 0
  await using hub = await startWith(
    {
      async Step() {
        most = Math.max(most, ++running)
        await delay(5)
        running--
      },
    },
    { maximumParallelInvocations: 3 },
  )
  await using client = await startedClient(hub)
  await Promise.all(Array.from({ length: 20 }, () => client.invoke('Step')))
  expect(most).toBe(3)
})

test('a slow method of one connection does not hold up another connection', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith({ Wait: () => gate.promise, Echo: (_, value) => value })
  await using slow = await startedClient(hub)
  await using quick = await startedClient(hub)
  const waiting = slow.invoke('Wait')
  expect(await quick.invoke('Echo', 1)).toBe(1)
  gate.resolve()
  await waiting
})

test('an invocation id in use is refused, and free again afterwards', async () => {
  const gate = Promise.withResolvers<string>()
  await using hub = await startWith({ Wait: () => gate.promise, Echo: (_, value) => value })
  await using client = await rawClient(hub)
  client.send(
    { type: 1, invocationId: 'a', target: 'Wait', arguments: [] },
    { type: 1, invocationId: 'b', target: 'Echo', arguments: [1] },
    { type: 1, invocationId: 'a', target: 'Echo', arguments: [2] },
    { type: 1, invocationId: 'b', target: 'Echo', arguments: [3] },
  )
  await client.receives({ invocationId: 'a', error: "Invocation ID 'a' is already in use." })
  await client.receives({ invocationId: 'b', error: "Invocation ID 'b' is already in use." })
  gate.resolve('waited')
  await client.receives({ invocationId: 'a', result: 'waited' })
  await client.receives({ invocationId: 'b', result: 1 })
  client.send({ type: 1, invocationId: 'a', target: 'Echo', arguments: [4] })
  await client.receives({ invocationId: 'a', result: 4 })
})

test('invocations wait until the hub has taken the connection in, and find its state', async () => {
  const gate = Promise.withResolvers<void>()
  const order: string[] = []
  await using hub = await startHub({
    hub: {
      methods: { Say: (connection) => order.push(`say ${connection.id.length}`) },
      async onConnected(connection) {
        await gate.promise
        order.push('connected')
        connection.send('Welcome', 1)
      },
    },
  })
  await using client = await rawClient(hub)
  client.send({ type: 1, invocationId: '0', target: 'Say', arguments: [] })
  expect(order).toEqual([])
  gate.resolve()
  await client.receives({ type: 3, invocationId: '0' })
  expect(order).toEqual(['connected', 'say 22'])
  expect(client.messages[1]).toEqual({ type: 1, target: 'Welcome', arguments: [1] })
})

test('what a method does not read in time stays with the client: the socket is paused, nothing is lost', async () => {
  const gate = Promise.withResolvers<void>()
  const heard: unknown[] = []
  await using hub = await startWith(
    {
      async Step(_, index) {
        await gate.promise
        heard.push(index)
      },
    },
    { limits: { unfinishedInvocations: 4 } },
  )
  await using client = await rawClient(hub)
  const padding = 'x'.repeat(1_000)
  const total = 20_000
  for (let index = 0; index < total; index++) client.send({ type: 1, target: 'Step', arguments: [index, padding] })
  // 20 MB do not fit the buffers of the operating system, so some of it can not leave the client.
  expect(await stuckBytes(client)).toBeGreaterThan(0)
  gate.resolve()
  await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(total)
  expect(heard).toEqual(Array.from({ length: total }, (_, index) => index))
})

test('a frame goes to many connections as the same bytes, and a raw argument is not parsed', async () => {
  await using hub = await startHub()
  await using first = await rawClient(hub)
  await using second = await rawClient(hub)
  let encoded = 0
  const counted = { toJSON: () => ++encoded }
  const frames = [
    encodeInvocation('Counted', [counted, 'two']),
    rawInvocation('Raw', Buffer.from('{"text":"漢字 👋" }')),
    rawInvocation('Raw', '{ "big": 12345678901234567890 }'),
  ]
  for (const connection of hub.connections()) for (const frame of frames) connection.sendFrame(frame)
  const expected = [
    '{"type":1,"target":"Counted","arguments":[1,"two"]}',
    '{"type":1,"target":"Raw","arguments":[{"text":"漢字 👋" }]}',
    '{"type":1,"target":"Raw","arguments":[{ "big": 12345678901234567890 }]}',
  ]
  for (const client of [first, second]) {
    await expect.poll(() => client.frames.slice(1).map(({ text }) => text.slice(0, -1))).toEqual(expected)
  }
  expect(encoded).toBe(1)
})

test('the official client hears what the hub sends, in order and in every size', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub)
  const heard: unknown[] = []
  client.on('heard', (...args: unknown[]) => {
    heard.push(args)
  })
  const sizes = [0, 1, 60, 61, 62, 63, 64, 125, 126, 127, 1_000, 65_400, 65_470, 65_536, 300_000]
  const connection = hub.connections()[0]!
  for (const size of sizes) connection.send('Heard', 'é'.repeat(size), size)
  await expect.poll(() => heard.length).toBe(sizes.length)
  expect(heard).toEqual(sizes.map((size) => ['é'.repeat(size), size]))
})

test('what waits for a socket at the end of a turn leaves together, each message whole in a frame of its own', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  const chunks: Buffer[] = []
  Reflect.get(client.socket, '_socket').on('data', (chunk: Buffer) => chunks.push(chunk))
  const connection = hub.connections()[0]!
  for (let index = 0; index < 100; index++) connection.send('Tick', index)
  await client.receives({ arguments: [99] })
  expect(client.frames.slice(1)).toEqual(
    Array.from({ length: 100 }, (_, index) => ({
      isBinary: false,
      text: record({ type: 1, target: 'Tick', arguments: [index] }),
    })),
  )
  expect(chunks).toHaveLength(1)
})
