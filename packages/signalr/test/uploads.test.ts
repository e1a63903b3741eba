import { setTimeout as delay } from 'node:timers/promises'
import { Subject } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import {
  ConnectionEndedError,
  HubError,
  UploadError,
  type DeclaredMethod,
  type HubServerOptions,
} from '../src/index.ts'
import { rawClient, startHub, startedClient } from './fixture.ts'
import { cancelInvocation, completion, invocation, streamInvocation, streamItem, uploading } from './hub-messages.ts'
import { readAll } from './streams.ts'
import { stuckBytes } from './stuck-bytes.ts'

type Methods = HubServerOptions<string>['hub']['methods']

const startWith = (methods: Methods, options: Partial<Parameters<typeof startHub>[0]> = {}) =>
  startHub({ ...options, hub: { ...options.hub, methods } })

const list: DeclaredMethod<string> = { uploads: 1, run: (_, __, { uploads }) => readAll(uploads[0]) }
test('the official client sends a stream along, wherever it stands among the arguments', async () => {
  await using hub = await startWith({
    List: list,
    Both: {
      uploads: 2,
      async run(_, args, { uploads: [first, second] }) {
        const lists = await Promise.all([readAll(second), readAll(first)])
        return [args, lists[1], lists[0]]
      },
    },
  })
  await using client = await startedClient(hub)
  const numbers = new Subject<number>()
  const listed = client.invoke('list', numbers)
  for (let number = 0; number < 500; number++) numbers.next(number)
  numbers.complete()
  expect(await listed).toEqual(Array.from({ length: 500 }, (_, index) => index))

  const [first, second] = [new Subject<string>(), new Subject<string>()]
  const both = client.invoke('Both', 'a', first, 'b', second, 'c')
  for (let round = 0; round < 50; round++) {
    first.next(`first ${round}`)
    second.next(`second ${round}`)
  }
  second.complete()
  first.complete()
  const [args, ofFirst, ofSecond] = (await both) as unknown[][]
  expect(args).toEqual(['a', 'b', 'c'])
  expect([ofFirst!.length, ofFirst![49], ofSecond!.length, ofSecond![49]]).toEqual([50, 'first 49', 50, 'second 49'])
})

test('a stream may be answered with a stream', async () => {
  await using hub = await startWith({
    Double: {
      uploads: 1,
      async *run(_, __, { uploads }) {
        for await (const number of uploads[0]!) yield Number(number) * 2
      },
    },
  })
  await using client = await startedClient(hub)
  const numbers = new Subject<number>()
  const doubled: unknown[] = []
  const done = Promise.withResolvers<void>()
  client
    .stream('Double', numbers)
    .subscribe({ next: (value) => void doubled.push(value), complete: done.resolve, error: done.reject })
  for (let number = 0; number < 30; number++) {
    numbers.next(number)
    await expect.poll(() => doubled.length, { interval: 1 }).toBe(number + 1)
  }
  numbers.complete()
  await done.promise
  expect(doubled).toEqual(Array.from({ length: 30 }, (_, index) => index * 2))
})

test('an upload that the client breaks off throws in the method, with the words of the client', async () => {
  const thrown: unknown[] = []
  await using hub = await startWith({
    List: list,
    Rescue: {
      uploads: 1,
      async run(_, __, { uploads }) {
        const read: unknown[] = []
        try {
          for await (const value of uploads[0]!) read.push(value)
        } catch (error) {
          thrown.push(error)
        }
        return read
      },
    },
  })
  await using client = await startedClient(hub)
  const broken = new Subject<number>()
  const listed = client.invoke('List', broken)
  broken.next(1)
  broken.error(new Error('no more'))
  await expect(listed).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'List' on the server. HubException: no more"),
  )
  const rescued = new Subject<number>()
  const rescue = client.invoke('Rescue', rescued)
  rescued.next(1)
  rescued.next(2)
  rescued.error(new Error('no more'))
  expect(await rescue).toEqual([1, 2])
  expect(thrown).toEqual([new UploadError('no more')])
})

test('two uploads at once reach the two methods, which both run, in any order of their items', async () => {
  await using hub = await startWith({ List: list })
  await using client = await rawClient(hub)
  const numbers = Array.from({ length: 200 }, (_, index) => index)
  client.send(uploading(['a'], invocation('0', 'List')), uploading(['b'], invocation('1', 'List')))
  client.send(...numbers.map((number) => streamItem('a', number)), ...numbers.map((number) => streamItem('b', -number)))
  client.send(completion('b'), completion('a'))
  await client.receives({ type: 3, invocationId: '0', result: numbers })
  await client.receives({ type: 3, invocationId: '1', result: numbers.map((number) => -number) })
})

test('an upload that its method does not read leaves no room for the rest of it, until the method reads or ends', async () => {
  const gate = Promise.withResolvers<void>()
  const taken: unknown[] = []
  await using hub = await startWith({
    Slow: {
      uploads: 1,
      async run(_, __, { uploads }) {
        await gate.promise
        for await (const value of uploads[0]!) taken.push((value as unknown[])[0])
        return taken.length
      },
    },
    Deaf: { uploads: 1, run: () => gate.promise },
    Echo: (_, value) => value,
  })
  const padding = 'x'.repeat(100_000)
  for (const target of ['Slow', 'Deaf']) {
    await using client = await rawClient(hub)
    client.send(uploading(['s'], invocation('0', target)))
    for (let index = 0; index < 300; index++) client.send(streamItem('s', [index, padding]))
    client.send(completion('s'), invocation('1', 'Echo', 'behind'))
    if (target === 'Slow') {
      expect(await stuckBytes(client)).toBeGreaterThan(0)
      expect([taken, client.messages.length]).toEqual([[], 1])
    }
    gate.resolve()
    await client.receives({ type: 3, invocationId: '1', result: 'behind' })
    await client.receives({ type: 3, invocationId: '0' })
  }
  expect(taken).toEqual(Array.from({ length: 300 }, (_, index) => index))
})

test('a client that waits for its upload to be read is not timed out', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith(
    {
      Slow: {
        uploads: 1,
        async run(_, __, { uploads }) {
          await gate.promise
          return (await readAll(uploads[0])).length
        },
      },
    },
    { keepAliveMs: 50, clientTimeoutMs: 100 },
  )
  await using client = await rawClient(hub)
  client.send(
    uploading(['s'], invocation('0', 'Slow')),
    ...Array.from({ length: 50 }, (_, index) => streamItem('s', index)),
    completion('s'),
  )
  await delay(400)
  expect(hub.ended).toEqual([])
  gate.resolve()
  await client.receives({ type: 3, invocationId: '0', result: 50 })
})

test('a method may leave its upload at any item: the rest is dropped, and what comes behind is heard', async () => {
  await using hub = await startWith({
    First: {
      uploads: 1,
      async run(_, __, { uploads }) {
        for await (const value of uploads[0]!) return value
        return 'nothing'
      },
    },
    None: { uploads: 1, run: () => 'none' },
    Crash: {
      uploads: 1,
      run() {
        throw new HubError('no')
      },
    },
    Echo: (_, value) => value,
  })
  await using client = await rawClient(hub)
  for (const [target, answer] of [
    ['First', { result: 0 }],
    ['None', { result: 'none' }],
    ['Crash', { error: 'no' }],
  ] as const) {
    client.send(
      uploading(['s'], invocation(target, target)),
      ...Array.from({ length: 100 }, (_, index) => streamItem('s', index)),
      completion('s'),
    )
    await client.receives({ type: 3, invocationId: target, ...answer })
  }
  client.send(invocation('e', 'Echo', 'heard'))
  await client.receives({ type: 3, result: 'heard' })
})

test('reading an upload throws when the connection ends before it, and onDisconnected comes behind that', async () => {
  const order: unknown[] = []
  await using hub = await startWith(
    {
      List: {
        uploads: 1,
        async run(_, __, { uploads, signal }) {
          try {
            for await (const value of uploads[0]!) order.push(value)
          } catch (error) {
            order.push(error, signal.aborted)
            throw error
          }
        },
      },
    },
    { hub: { onDisconnected: (_, reason) => void order.push(reason) } },
  )
  const client = await rawClient(hub)
  client.send(uploading(['s'], invocation('0', 'List')), streamItem('s', 'one'))
  await expect.poll(() => order).toEqual(['one'])
  client.socket.terminate()
  await expect.poll(() => order).toEqual(['one', new ConnectionEndedError(), true, 'lost'])
})

test('an upload whose invocation is refused is ignored', async () => {
  await using hub = await startWith(
    { List: list, Echo: (_, value) => value },
    { hub: { authorize: (_, name) => name !== 'List' } },
  )
  await using client = await rawClient(hub)
  const refusals = [
    ['Missing', "Unknown hub method 'Missing'"],
    ['List', "Failed to invoke 'List' because user is unauthorized"],
    [
      'Echo',
      "An unexpected error occurred invoking 'Echo' on the server. HubException: Client sent 1 stream(s), Hub method expects 0.",
    ],
  ] as const
  for (const [target, error] of refusals) {
    client.send(
      uploading(['s'], invocation(target, target)),
      ...Array.from({ length: 50 }, (_, index) => streamItem('s', index)),
      completion('s'),
    )
    expect(await client.receives({ type: 3, invocationId: target })).toEqual({
      type: 3,
      invocationId: target,
      error,
    })
  }
  client.send(invocation('e', 'Echo', 'heard'))
  await client.receives({ type: 3, result: 'heard' })
})

test('a method gets the number of uploads that it expects, or does not run', async () => {
  await using hub = await startWith({ List: list })
  await using client = await startedClient(hub)
  const prefix = "An unexpected error occurred invoking 'List' on the server. HubException: "
  await expect(client.invoke('List')).rejects.toThrow(
    new Error(`${prefix}Client sent 0 stream(s), Hub method expects 1.`),
  )
  // Not side by side: the official client overlooks the second of two streams that stand next to each other.
  await expect(client.invoke('List', new Subject(), 'between', new Subject())).rejects.toThrow(
    new Error(`${prefix}Client sent 2 stream(s), Hub method expects 1.`),
  )
})

test('an upload with an invocation that wants no reply gets none, not even an error', async () => {
  const read: unknown[] = []
  await using hub = await startWith({
    Read: {
      uploads: 1,
      async run(_, __, { uploads }) {
        for await (const value of uploads[0]!) read.push(value)
        throw new HubError('never told')
      },
    },
    Echo: (_, value) => value,
  })
  await using client = await rawClient(hub)
  client.send(
    uploading(['s'], invocation(undefined, 'Read')),
    uploading(['t'], invocation(undefined, 'Missing')),
    uploading(['s'], invocation(undefined, 'Read')),
  )
  client.send(streamItem('s', 1), streamItem('t', 2), completion('t'), completion('s'), invocation('e', 'Echo', 1))
  await client.receives({ type: 3, invocationId: 'e' })
  await expect.poll(() => read).toEqual([1])
  expect(client.messages).toHaveLength(2)
})

test('a stream id in use is refused, and free again when the client has ended the stream', async () => {
  await using hub = await startWith({
    List: list,
    Two: { uploads: 2, run: () => 'never' },
  })
  await using client = await rawClient(hub)
  client.send(
    uploading(['s'], invocation('0', 'List')),
    uploading(['s'], invocation('1', 'List')),
    uploading(['t', 't'], invocation('2', 'Two')),
  )
  await client.receives({ type: 3, invocationId: '1', error: "Stream ID 's' is already in use." })
  await client.receives({ type: 3, invocationId: '2', error: "Stream ID 't' is already in use." })
  client.send(
    streamItem('s', 1),
    completion('s'),
    uploading(['s'], invocation('3', 'List')),
    streamItem('s', 2),
    completion('s'),
  )
  await client.receives({ type: 3, invocationId: '0', result: [1] })
  await client.receives({ type: 3, invocationId: '3', result: [2] })
})

test('no more than so many uploads may be open, also when the client has ended them unread', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith({ Deaf: { uploads: 2, run: () => gate.promise } }, { limits: { openStreams: 5 } })
  await using client = await rawClient(hub)
  const error = 'No more than 5 streams may be open at the same time.'
  client.send(
    uploading(['a', 'b'], invocation('0', 'Deaf')),
    uploading(['c', 'd'], invocation('1', 'Deaf')),
    uploading(['e', 'f'], invocation('2', 'Deaf')),
  )
  await client.receives({ type: 3, invocationId: '2', error })
  client.send(completion('a'), completion('b'), uploading(['a', 'b'], invocation('3', 'Deaf')))
  await client.receives({ type: 3, invocationId: '3', error })
  gate.resolve()
  await client.receives({ type: 3, invocationId: '0' })
  await client.receives({ type: 3, invocationId: '1' })
  client.send(uploading(['a', 'b'], invocation('4', 'Deaf')))
  expect(await client.receives({ type: 3, invocationId: '4' })).toEqual({ type: 3, invocationId: '4' })
})

test('canceling a stream ends the upload that it reads', async () => {
  let stopped = 0
  await using hub = await startWith({
    Copy: {
      uploads: 1,
      async *run(_, __, { uploads }) {
        try {
          yield* uploads[0]!
        } finally {
          stopped++
        }
      },
    },
  })
  await using client = await rawClient(hub)
  client.send(uploading(['s'], streamInvocation('0', 'Copy')), streamItem('s', 1))
  await client.receives({ type: 2, invocationId: '0', item: 1 })
  client.send(cancelInvocation('0'))
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: '0' })
  await expect.poll(() => stopped).toBe(1)
})

test('an upload can be read only once', async () => {
  await using hub = await startWith({
    Twice: {
      uploads: 1,
      async run(_, __, { uploads }) {
        const first = await readAll(uploads[0])
        return readAll(uploads[0]).catch((error: Error) => [first, error.message])
      },
    },
  })
  await using client = await rawClient(hub)
  client.send(uploading(['s'], invocation('0', 'Twice')), streamItem('s', 1), completion('s'))
  await client.receives({ type: 3, result: [[1], 'A stream of the client can be read only once.'] })
})

test('an upload waits with its invocation for its turn, and items that came meanwhile are not lost', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith({ Slow: () => gate.promise, List: list, Echo: (_, value) => value })
  await using client = await rawClient(hub)
  const numbers = Array.from({ length: 100 }, (_, index) => index)
  client.send(
    invocation('0', 'Slow'),
    uploading(['s'], invocation('1', 'List')),
    ...numbers.map((number) => streamItem('s', number)),
    completion('s'),
  )
  client.send(invocation('2', 'Echo', 'behind'))
  await delay(20)
  expect(client.messages).toHaveLength(1)
  gate.resolve()
  await client.receives({ type: 3, invocationId: '1', result: numbers })
  await client.receives({ type: 3, invocationId: '2', result: 'behind' })
})
