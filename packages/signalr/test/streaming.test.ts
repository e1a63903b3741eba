import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HubError, type HubServerOptions } from '../src/index.ts'
import { rawClient, startHub, startedClient, type RawClient } from './fixture.ts'
import { cancelInvocation, completion, invocation, streamInvocation, streamItem } from './hub-messages.ts'
import { collect } from './streams.ts'

type Methods = HubServerOptions<string>['hub']['methods']

const startWith = (methods: Methods, options: Partial<Parameters<typeof startHub>[0]> = {}) =>
  startHub({ ...options, hub: { ...options.hub, methods } })

async function* counting(): AsyncGenerator<number, void, undefined> {
  for (let number = 0; ; number++) yield number
}

const completionsOf = (client: RawClient, id: string) =>
  client.messages.filter(({ type, invocationId }) => type === 3 && invocationId === id)

test('the official client gets the items of an async generator in order, and its end', async () => {
  await using hub = await startWith({
    async *Count(_, to) {
      for (let number = 1; number <= Number(to); number++) {
        if (number % 3 === 0) await delay(1)
        yield { number }
      }
    },
    Bound: counting.bind(undefined),
    Declared: { streams: true, run: async (_, [first]) => Promise.resolve(fromList([first, null, undefined])) },
  })
  await using client = await startedClient(hub)
  const counted = collect(client.stream('count', 10))
  await counted.ended
  expect(counted.items).toEqual(Array.from({ length: 10 }, (_, index) => ({ number: index + 1 })))
  const declared = collect(client.stream('Declared', 'first'))
  await declared.ended
  expect(declared.items).toEqual(['first', null, null])
  const bound = collect(client.stream('Bound'))
  await expect.poll(() => bound.items.length).toBeGreaterThan(3)
  expect(bound.items.slice(0, 3)).toEqual([0, 1, 2])
})

async function* fromList(items: unknown[]): AsyncGenerator<unknown, void, undefined> {
  yield* items
}

test('a stream ends with a completion that has no result', async () => {
  await using hub = await startWith({
    async *Two() {
      yield 1
      yield 2
      return 'not sent'
    },
  })
  await using client = await rawClient(hub)
  client.send(streamInvocation('s', 'Two'))
  await client.receives({ type: 3 })
  expect(client.messages.slice(1)).toEqual([
    { type: 2, invocationId: 's', item: 1 },
    { type: 2, invocationId: 's', item: 2 },
    { type: 3, invocationId: 's' },
  ])
})

test('a method that throws mid-stream ends it with the known text, or with that of its HubError', async () => {
  const methods: Methods = {
    async *Crash() {
      yield 1
      throw new TypeError('secret')
    },
    async *Refuse() {
      yield 1
      throw new HubError('That is enough.')
    },
    async *Unwritable() {
      try {
        yield 1
        yield 2n
      } finally {
        stopped++
      }
    },
    async *Nothing() {
      yield () => 'a function is nothing in JSON'
      yield undefined
      yield Symbol('nor is this')
    },
    Early: {
      streams: true,
      run() {
        throw new Error('no stream yet')
      },
    },
    // oxlint-disable-next-line require-yield
    async *EarlyToo() {
      throw new Error('no item yet')
    },
    NoStream: { streams: true, run: () => [1, 2] },
  }
  let stopped = 0
  const ends = async (hub: Awaited<ReturnType<typeof startWith>>) => {
    await using client = await startedClient(hub)
    const errors: [string, unknown[], string][] = []
    for (const name of Object.keys(methods)) {
      const { items, ended } = collect(client.stream(name))
      errors.push([name, items, await ended.then(String, (error: Error) => error.message)])
    }
    return errors
  }
  await using hub = await startWith(methods)
  expect(await ends(hub)).toEqual([
    ['Crash', [1], 'An error occurred on the server while streaming results.'],
    ['Refuse', [1], 'That is enough.'],
    ['Unwritable', [1], 'An error occurred on the server while streaming results.'],
    ['Nothing', [null, null, null], 'undefined'],
    ['Early', [], "An unexpected error occurred invoking 'Early' on the server."],
    ['EarlyToo', [], "An unexpected error occurred invoking 'EarlyToo' on the server."],
    ['NoStream', [], "An unexpected error occurred invoking 'NoStream' on the server."],
  ])
  expect(stopped).toBe(1)
  await using detailed = await startWith(methods, { detailedErrors: true })
  expect((await ends(detailed))[0]).toEqual([
    'Crash',
    [1],
    'An error occurred on the server while streaming results. TypeError: secret',
  ])
})

test('the kind of invocation must fit the method, which does not run otherwise', async () => {
  let runs = 0
  await using hub = await startWith({
    async *Stream() {
      runs++
      yield 1
    },
    Plain: () => runs++,
  })
  await using client = await startedClient(hub)
  await expect(collect(client.stream('Plain')).ended).rejects.toThrow(
    new Error("The client attempted to invoke the non-streaming 'Plain' method with a streaming invocation."),
  )
  await expect(client.invoke('Stream')).rejects.toThrow(
    new Error("The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation."),
  )
  await expect(collect(client.stream('Missing')).ended).rejects.toThrow(new Error("Unknown hub method 'Missing'"))
  expect(runs).toBe(0)
})

test('a stream begins in its turn, and the next invocation does not wait for its end', async () => {
  const gate = Promise.withResolvers<void>()
  const order: string[] = []
  await using hub = await startWith({
    async Slow() {
      await gate.promise
      order.push('slow')
    },
    async *Endless() {
      order.push('endless')
      yield 'first'
      await new Promise(() => {})
    },
    Quick: () => order.push('quick'),
  })
  await using client = await rawClient(hub)
  client.send(
    invocation('0', 'Slow'),
    streamInvocation('1', 'Endless'),
    streamInvocation('2', 'Endless'),
    invocation('3', 'Quick'),
  )
  await delay(20)
  expect(order).toEqual([])
  gate.resolve()
  await client.receives({ type: 3, invocationId: '3' })
  expect(order).toEqual(['slow', 'endless', 'endless', 'quick'])
  await client.receives({ type: 2, invocationId: '1', item: 'first' })
})

test('disposing a subscription stops the generator, wherever it is', async () => {
  const stopped: string[] = []
  let yielded = 0
  await using hub = await startWith({
    async *Yielding() {
      try {
        for (;;) {
          await delay(1)
          yield yielded++
        }
      } finally {
        stopped.push('yielding')
      }
    },
    Waiting: {
      async *run(_, __, { signal }) {
        try {
          yield 'first'
          await delay(60_000, undefined, { signal })
        } finally {
          stopped.push(`waiting ${signal.aborted}`)
        }
      },
    },
    Echo: (_, value) => value,
  })
  await using client = await startedClient(hub)
  const yielding = collect(client.stream('Yielding'))
  await expect.poll(() => yielding.items.length).toBeGreaterThan(2)
  yielding.cancel()
  await expect.poll(() => stopped).toEqual(['yielding'])
  const last = yielded
  const waiting = collect(client.stream('Waiting'))
  await expect.poll(() => waiting.items).toEqual(['first'])
  waiting.cancel()
  await expect.poll(() => stopped).toEqual(['yielding', 'waiting true'])
  expect(await client.invoke('Echo', 'alive')).toBe('alive')
  expect(yielded).toBe(last)
})

test('a canceled stream gets its one completion at once, even if its method is stuck, and no item behind it', async () => {
  const gate = Promise.withResolvers<void>()
  let stopped = 0
  await using hub = await startWith({
    async *Stuck() {
      try {
        yield 'first'
        await gate.promise
        yield 'too late'
      } finally {
        stopped++
      }
    },
    Echo: (_, value) => value,
  })
  await using client = await rawClient(hub)
  client.send(streamInvocation('s', 'Stuck'))
  await client.receives({ type: 2, item: 'first' })
  client.send(cancelInvocation('s'), cancelInvocation('s'), cancelInvocation('unknown'))
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: 's' })
  // Its id is free again, although its method has not come to its end.
  client.send(invocation('s', 'Echo', 'again'))
  await client.receives({ type: 3, invocationId: 's', result: 'again' })
  gate.resolve()
  await expect.poll(() => stopped).toBe(1)
  client.send(invocation('e', 'Echo', 'end'))
  await client.receives({ type: 3, invocationId: 'e', result: 'end' })
  expect(client.messages.filter(({ type }) => type === 2)).toHaveLength(1)
  expect(completionsOf(client, 's')).toHaveLength(2)
})

test('however a cancel meets the items and the end of a stream, there is one completion and nothing behind it', async () => {
  await using hub = await startWith({
    async *Count(_, to) {
      for (let number = 0; number < Number(to); number++) {
        if (number % 2 === 0) await delay(0)
        yield number
      }
    },
  })
  await using client = await rawClient(hub)
  for (let round = 0; round < 60; round++) {
    client.send(streamInvocation(`${round}`, 'Count', round % 6))
    await delay(round % 4)
    client.send(cancelInvocation(`${round}`))
  }
  for (let round = 0; round < 60; round++) await client.receives({ type: 3, invocationId: `${round}` })
  await delay(20)
  for (let round = 0; round < 60; round++) {
    const about = client.messages.filter(({ invocationId }) => invocationId === `${round}`)
    expect(about.map(({ type }) => type === 3)).toEqual(about.map((_, index) => index === about.length - 1))
    expect(about.at(-1)).toEqual({ type: 3, invocationId: `${round}` })
  }
})

test('a stream that is canceled while it waits for its turn is completed and never runs', async () => {
  const gate = Promise.withResolvers<void>()
  let ran = false
  await using hub = await startWith({
    Slow: () => gate.promise,
    async *Never() {
      ran = true
      yield 1
    },
  })
  await using client = await rawClient(hub)
  client.send(invocation('0', 'Slow'), streamInvocation('1', 'Never'), cancelInvocation('1'))
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: '1' })
  gate.resolve()
  await client.receives({ type: 3, invocationId: '0' })
  client.send(invocation('2', 'Slow'))
  await client.receives({ type: 3, invocationId: '2' })
  expect([ran, completionsOf(client, '1').length]).toEqual([false, 1])
})

test('canceling a plain invocation aborts its signal, and it is still answered', async () => {
  await using hub = await startWith({
    Wait: {
      async run(_, __, { signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return 'stopped'
      },
    },
  })
  await using client = await rawClient(hub)
  client.send(invocation('0', 'Wait'), cancelInvocation('0'))
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: '0', result: 'stopped' })
})

test('when the connection is lost its streams are stopped, and onDisconnected comes once, behind them', async () => {
  const order: string[] = []
  await using hub = await startHub({
    hub: {
      methods: {
        async *Endless() {
          try {
            for (;;) {
              await delay(1)
              yield 1
            }
          } finally {
            await delay(20)
            order.push('stopped')
          }
        },
        Patient: {
          async *run(_, __, { signal }) {
            try {
              yield 1
              await delay(60_000, undefined, { signal })
            } finally {
              order.push('stopped')
            }
          },
        },
      },
      onDisconnected: (_, reason) => void order.push(reason),
    },
  })
  const client = await rawClient(hub)
  client.send(streamInvocation('0', 'Endless'), streamInvocation('1', 'Patient'))
  await client.receives({ type: 2, invocationId: '0' })
  await client.receives({ type: 2, invocationId: '1' })
  client.socket.terminate()
  await expect.poll(() => order).toEqual(['stopped', 'stopped', 'lost'])
  await delay(20)
  expect(order).toHaveLength(3)
})

test('a stream that does not stop delays onDisconnected only so long', async () => {
  await using hub = await startHub({
    invocationGraceMs: 50,
    hub: {
      methods: {
        async *Stuck() {
          yield 1
          await new Promise(() => {})
        },
      },
    },
  })
  const client = await rawClient(hub)
  client.send(streamInvocation('0', 'Stuck'))
  await client.receives({ type: 2 })
  client.socket.terminate()
  await expect.poll(() => hub.ended.map(({ reason }) => reason)).toEqual(['lost'])
})

test('a stopping server does not wait for streams', async () => {
  const hub = await startWith({ Count: counting })
  await using client = await startedClient(hub)
  const { items, ended } = collect(client.stream('Count'))
  await expect.poll(() => items.length).toBeGreaterThan(0)
  const startedMs = performance.now()
  await hub[Symbol.asyncDispose]()
  expect(performance.now() - startedMs).toBeLessThan(4_000)
  await expect(ended).rejects.toThrow()
})

test('of an endless fast stream only as much is made as the client takes, and others get their turns', async () => {
  let made = 0
  const text = 'x'.repeat(1_000)
  await using hub = await startWith({
    async *Flood() {
      for (;;) {
        made++
        yield text
      }
    },
    Echo: (_, value) => value,
  })
  await using client = await rawClient(hub)
  await using other = await startedClient(hub)
  client.send(streamInvocation('0', 'Flood'))
  await client.receives({ type: 2 })
  for (let round = 0; round < 20; round++) expect(await other.invoke('Echo', round)).toBe(round)
  client.socket.pause()
  // The operating system takes some megabytes before the client counts as one that does not read.
  await expect
    .poll(
      async () => {
        const before = made
        await delay(100)
        return made - before
      },
      { timeout: 20_000 },
    )
    .toBe(0)
  const stuckAt = made
  expect(hub.ended).toEqual([])
  client.socket.resume()
  await expect.poll(() => made).toBeGreaterThan(stuckAt + 1_000)
  client.send(cancelInvocation('0'))
  await client.receives({ type: 3, invocationId: '0' })
  expect(hub.ended).toEqual([])
})

test('a stream that waits for a client that reads nothing more ends with it', async () => {
  let stopped = false
  await using hub = await startWith(
    {
      async *Flood() {
        try {
          for (;;) yield 'x'.repeat(10_000)
        } finally {
          stopped = true
        }
      },
    },
    { limits: { bufferedMs: 200 } },
  )
  await using client = await rawClient(hub)
  client.send(streamInvocation('0', 'Flood'))
  await client.receives({ type: 2 })
  client.socket.pause()
  await expect.poll(() => hub.ended.map(({ reason }) => reason), { timeout: 10_000 }).toEqual(['slow client'])
  expect(stopped).toBe(true)
})

test('no more than so many streams may be open, also when they were canceled and do not stop', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith(
    {
      async *Stuck() {
        yield 1
        await gate.promise
      },
    },
    { limits: { openStreams: 3 } },
  )
  await using client = await rawClient(hub)
  const refused = 'No more than 3 streams may be open at the same time.'
  client.send(...['0', '1', '2', '3'].map((id) => streamInvocation(id, 'Stuck')))
  expect(await client.receives({ type: 3 })).toEqual({ type: 3, invocationId: '3', error: refused })
  client.send(cancelInvocation('0'), streamInvocation('4', 'Stuck'))
  await client.receives({ type: 3, invocationId: '0' })
  await client.receives({ type: 3, invocationId: '4', error: refused })
  gate.resolve()
  await client.receives({ type: 3, invocationId: '2' })
  client.send(streamInvocation('5', 'Stuck'))
  await client.receives({ type: 2, invocationId: '5' })
})

test('an invocation id that a stream uses is in use', async () => {
  const gate = Promise.withResolvers<void>()
  await using hub = await startWith({
    async *Stuck() {
      yield 1
      await gate.promise
    },
    Echo: (_, value) => value,
  })
  await using client = await rawClient(hub)
  client.send(streamInvocation('0', 'Stuck'), streamInvocation('0', 'Stuck'))
  expect(await client.receives({ type: 3 })).toEqual({
    type: 3,
    invocationId: '0',
    error: "Invocation ID '0' is already in use.",
  })
  client.send(invocation('0', 'Echo', 1))
  await expect.poll(() => completionsOf(client, '0').length).toBe(2)
  gate.resolve()
  await expect.poll(() => completionsOf(client, '0').at(-1)).toEqual({ type: 3, invocationId: '0' })
  client.send(invocation('0', 'Echo', 1))
  await client.receives({ type: 3, result: 1 })
})

test('thousands of cancels and completions for nothing harm nobody', async () => {
  await using hub = await startWith({ Echo: (_, value) => value })
  await using client = await rawClient(hub)
  const nonsense = Array.from({ length: 5_000 }, (_, index) => [
    cancelInvocation(`${index}`),
    completion(`s${index}`, { result: index }),
    streamItem(`${index}`, index),
  ])
  client.send(...nonsense.flat(), invocation('0', 'Echo', 'still here'))
  await client.receives({ type: 3, result: 'still here' })
  expect(client.messages).toHaveLength(2)
})

test('many streams of many clients come whole and in order', async () => {
  await using hub = await startWith({
    async *Count(_, name, to) {
      for (let number = 0; number < Number(to); number++) {
        if (Math.random() < 0.1) await delay(Math.random() * 3)
        yield `${String(name)} ${number}`
      }
    },
  })
  const clients = await Promise.all(Array.from({ length: 5 }, () => startedClient(hub)))
  const streams = clients.flatMap((client, which) =>
    Array.from({ length: 10 }, (_, index) => ({ name: `${which}.${index}`, client })),
  )
  await Promise.all(
    streams.map(async ({ name, client }) => {
      const { items, ended } = collect(client.stream('Count', name, 100))
      await ended
      expect(items).toEqual(Array.from({ length: 100 }, (_, number) => `${name} ${number}`))
    }),
  )
  await Promise.all(clients.map((client) => client.stop()))
})

test('many streams of large items at once do not make a client slow that reads them all', async () => {
  await using hub = await startWith({
    async *Chunks() {
      for (let sent = 0; sent < 20; sent++) yield 'x'.repeat(60_000)
    },
  })
  await using client = await startedClient(hub)
  const streams = Array.from({ length: 60 }, () => collect(client.stream('Chunks')))
  await Promise.all(streams.map(({ ended }) => ended))
  for (const { items } of streams) expect(items).toHaveLength(20)
  expect(hub.ended).toEqual([])
})
