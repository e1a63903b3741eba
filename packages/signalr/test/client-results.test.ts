import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ClientError, ConnectionEndedError, type HubConnection, type HubServerOptions } from '../src/index.ts'
import { rawClient, startHub, startedClient, type RawClient } from './fixture.ts'
import { completion, invocation, streamItem, uploading } from './hub-messages.ts'
import { readAll } from './streams.ts'
import { stuckBytes } from './stuck-bytes.ts'

type Methods = HubServerOptions<string>['hub']['methods']

const startWith = (methods: Methods, options: Partial<Parameters<typeof startHub>[0]> = {}) =>
  startHub({ ...options, hub: { ...options.hub, methods } })

/** The next call of the server to this client. */
async function asked(client: RawClient, target: string): Promise<string> {
  const { invocationId } = await client.receives({ type: 1, target })
  expect(invocationId).toEqual(expect.any(String))
  return String(invocationId)
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('the official client answers with a value, with null, or not at all', async () => {
  await using hub = await startHub()
  await using client = await startedClient(hub)
  client.on('Add', (a: number, b: number) => a + b)
  client.on('Later', (value: unknown) => delay(5, value))
  client.on('Null', () => null)
  client.on('Void', () => {})
  client.on('Throw', () => {
    throw new Error('client says no')
  })
  const connection = hub.connections()[0]!
  expect(await connection.invoke('Add', [1, 2])).toBe(3)
  expect(await connection.invoke('Later', [{ nested: [1] }])).toEqual({ nested: [1] })
  expect(await connection.invoke('Null', [])).toBeNull()
  expect(await failure(connection.invoke('Void', []))).toEqual(new ClientError("Client didn't provide a result."))
  expect(await failure(connection.invoke('Missing', []))).toEqual(new ClientError("Client didn't provide a result."))
  expect(await failure(connection.invoke('Throw', []))).toEqual(new ClientError('Error: client says no'))
})

test('a completion without a result is undefined', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  const result = hub.connections()[0]!.invoke('Ask', ['what'])
  client.send(completion(await asked(client, 'Ask')))
  expect(await result).toBeUndefined()
})

test('what the client is asked for while a method waits for it is found behind everything else that it sent', async () => {
  const order: unknown[] = []
  await using hub = await startWith({
    async Ask(connection) {
      order.push(await connection.invoke('Answer', []))
    },
    Say: (_, index) => order.push(index),
  })
  await using client = await rawClient(hub)
  const indexes = Array.from({ length: 400 }, (_, index) => index)
  client.send(invocation('ask', 'Ask'), ...indexes.map((index) => invocation(undefined, 'Say', index)))
  const id = await asked(client, 'Answer')
  await delay(20)
  expect(order).toEqual([])
  client.send(completion(id, { result: 'answered' }))
  await expect.poll(() => order.length).toBe(401)
  expect(order).toEqual(['answered', ...indexes])
})

test('an answer is found behind an upload for which there is no room', async () => {
  await using hub = await startWith({
    AskFirst: {
      uploads: 1,
      run: async (connection, _, { uploads }) => [await connection.invoke('Answer', []), await readAll(uploads[0])],
    },
  })
  await using client = await rawClient(hub)
  const items = Array.from({ length: 200 }, (_, index) => index)
  client.send(
    uploading(['s'], invocation('0', 'AskFirst')),
    ...items.map((item) => streamItem('s', item)),
    completion('s'),
  )
  client.send(completion(await asked(client, 'Answer'), { result: 'answered' }))
  await client.receives({ type: 3, invocationId: '0', result: ['answered', items] })
})

test('behind a full inbox an answer is looked for only so far, so the method is told that there is none', async () => {
  const gate = Promise.withResolvers<void>()
  const said: unknown[] = []
  await using hub = await startWith(
    {
      async Ask(connection) {
        const error = await failure(connection.invoke('Answer', [], { timeoutMs: 300 }))
        await gate.promise
        return error instanceof Error ? error.name : 'answered'
      },
      Say: (_, index) => said.push(index),
    },
    { limits: { unfinishedInvocations: 2, readAheadBytes: 50_000 } },
  )
  await using client = await rawClient(hub)
  client.send(invocation('0', 'Ask'))
  const id = await asked(client, 'Answer')
  const padding = 'x'.repeat(10_000)
  const total = 2_000
  for (let index = 0; index < total; index++) client.send(invocation(undefined, 'Say', index, padding))
  client.send(completion(id, { result: 'too far away' }))
  expect(await stuckBytes(client)).toBeGreaterThan(0)
  gate.resolve()
  expect(await client.receives({ type: 3, invocationId: '0' })).toMatchObject({ result: 'TimeoutError' })
  await expect.poll(() => said.length, { timeout: 20_000 }).toBe(total)
  expect(said).toEqual(Array.from({ length: total }, (_, index) => index))
})

test('a hub may ask its client before it takes it in', async () => {
  await using hub = await startHub({
    hub: {
      methods: { Echo: (_, value) => value },
      async onConnected(connection) {
        connection.send('Known', await connection.invoke('WhoAreYou', []))
      },
    },
  })
  await using client = await rawClient(hub)
  // More than the inbox takes comes before the answer.
  client.send(...Array.from({ length: 100 }, (_, index) => invocation(`${index}`, 'Echo', index)))
  client.send(completion(await asked(client, 'WhoAreYou'), { result: 'me' }))
  expect(await client.receives({ target: 'Known' })).toMatchObject({ arguments: ['me'] })
  await client.receives({ type: 3, invocationId: '99', result: 99 })
})

test('an answer that does not come in time, or is not wanted any more, rejects', async () => {
  await using hub = await startHub({ keepAliveMs: 200 })
  await using client = await rawClient(hub)
  const connection = hub.connections()[0]!
  const startedMs = performance.now()
  const late = await failure(connection.invoke('Late', [], { timeoutMs: 100 }))
  expect(late).toMatchObject({ name: 'TimeoutError' })
  expect(performance.now() - startedMs).toBeGreaterThan(99)

  const abort = new AbortController()
  const unwanted = failure(connection.invoke('Unwanted', [], { signal: abort.signal }))
  const id = await asked(client, 'Unwanted')
  abort.abort(new Error('changed my mind'))
  expect(await unwanted).toEqual(new Error('changed my mind'))
  expect(await failure(connection.invoke('Never', [], { signal: abort.signal }))).toEqual(new Error('changed my mind'))
  expect(await failure(connection.invoke('Forever', [], { timeoutMs: Infinity }))).toBeInstanceOf(RangeError)

  client.send(completion(id, { result: 'late' }), completion(id, { error: 'later' }))
  const next = connection.invoke('Next', [])
  client.send(completion(await asked(client, 'Next'), { result: 'fine' }))
  expect(await next).toBe('fine')
  expect(client.messages.filter(({ target }) => target === 'Never' || target === 'Forever')).toEqual([])
})

test('when the connection ends, whoever waits for its answers is told', async () => {
  let asking: Promise<unknown> | undefined
  const order: unknown[] = []
  await using hub = await startHub({
    hub: {
      methods: {
        async Ask(connection) {
          asking = failure(connection.invoke('Answer', []))
          order.push(await asking)
        },
      },
      onDisconnected: async (connection) => {
        order.push('disconnected', await failure(connection.invoke('Gone', [])))
      },
    },
  })
  const client = await rawClient(hub)
  client.send(invocation('0', 'Ask'))
  await asked(client, 'Answer')
  client.socket.terminate()
  const ended = new ConnectionEndedError()
  await expect.poll(() => order).toEqual([ended, 'disconnected', ended])
})

test('an argument that cannot be written rejects, and nothing is waited for', async () => {
  await using hub = await startHub()
  await using client = await rawClient(hub)
  expect(await failure(hub.connections()[0]!.invoke('Ask', [1n]))).toBeInstanceOf(TypeError)
  expect(client.messages).toHaveLength(1)
})

test('a client cannot answer for another one', async () => {
  await using hub = await startHub()
  await using asker = await rawClient(hub)
  await using liar = await rawClient(hub)
  const [connection] = hub.connections()
  const result = connection!.invoke('Ask', [])
  const id = await asked(asker, 'Ask')
  liar.send(completion(id, { result: 'a lie' }), invocation('0', 'Missing'))
  await liar.receives({ type: 3, invocationId: '0' })
  asker.send(completion(id, { result: 'the truth' }))
  expect(await result).toBe('the truth')
})

test('fifty answers at once from many connections each find their question', async () => {
  await using hub = await startWith({
    async Ask(connection: HubConnection<string>, ...[name]: unknown[]) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) => connection.invoke('Answer', [name, index])),
      )
      return answers
    },
  })
  const clients = await Promise.all(Array.from({ length: 5 }, () => startedClient(hub)))
  for (const client of clients) {
    client.on('Answer', async (name: string, index: number) => {
      await delay(Math.random() * 10)
      return `${name} ${index}`
    })
  }
  const all = await Promise.all(clients.map((client, which) => client.invoke('Ask', `client ${which}`)))
  expect(all).toEqual(clients.map((_, which) => Array.from({ length: 10 }, (__, index) => `client ${which} ${index}`)))
  await Promise.all(clients.map((client) => client.stop()))
})

test('a stopping server still hears the answer that a method waits for, and takes no new invocation', async () => {
  const ran: string[] = []
  const hub = await startWith({
    async Ask(connection) {
      const answer = await connection.invoke('Answer', [])
      ran.push('asked')
      return answer
    },
    Never: () => ran.push('never'),
  })
  await using client = await rawClient(hub)
  client.send(invocation('0', 'Ask'))
  const id = await asked(client, 'Answer')
  const stopped = hub[Symbol.asyncDispose]()
  await delay(20)
  client.send(invocation('1', 'Never'), completion(id, { result: 'answered' }))
  await client.receives({ type: 3, invocationId: '0', result: 'answered' })
  await stopped
  expect(ran).toEqual(['asked'])
})
