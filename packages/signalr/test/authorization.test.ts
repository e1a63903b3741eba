import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { HubError } from '../src/index.ts'
import { rawClient, startHub, startedClient } from './fixture.ts'

const refusal = (name: string) => new Error(`Failed to invoke '${name}' because user is unauthorized`)

test('a method that the hub does not allow is refused in the known words, and does not run', async () => {
  const ran: string[] = []
  const asked: string[] = []
  await using hub = await startHub({
    hub: {
      methods: {
        Open: () => ran.push('open'),
        Secret: () => ran.push('secret'),
        async *SecretStream() {
          yield ran.push('stream')
        },
      },
      async authorize(connection, name) {
        asked.push(`${connection.identity} ${name}`)
        await delay(1)
        return name === 'Open'
      },
    },
  })
  await using client = await startedClient(hub)
  await client.invoke('open')
  // Whatever case the client writes, the hub is asked for its own name.
  await expect(client.invoke('sECRET')).rejects.toThrow(refusal('sECRET'))
  await expect(client.invoke('Missing')).rejects.toThrow(new Error("Unknown hub method 'Missing'"))
  const streamed = new Promise((resolve, reject) => {
    client.stream('SecretStream').subscribe({ next: resolve, complete: () => resolve(undefined), error: reject })
  })
  await expect(streamed).rejects.toThrow(refusal('SecretStream'))
  expect(asked).toEqual(['user Open', 'user Secret', 'user SecretStream'])
  expect(ran).toEqual(['open'])
})

test('a refusal of an invocation without id is not told', async () => {
  let ran = false
  await using hub = await startHub({
    hub: { methods: { Secret: () => (ran = true), Open: () => 'open' }, authorize: (_, name) => name === 'Open' },
  })
  await using client = await rawClient(hub)
  client.send(
    { type: 1, target: 'Secret', arguments: [] },
    { type: 1, invocationId: '0', target: 'Open', arguments: [] },
  )
  await client.receives({ type: 3, result: 'open' })
  expect([ran, client.messages.length]).toEqual([false, 2])
})

test('an authorization that fails refuses, and tells no more than a method would', async () => {
  const errors: unknown[] = []
  await using hub = await startHub({
    log: { debug() {}, warn() {}, error: (fields) => void errors.push(fields) },
    hub: {
      methods: { Crash: () => 'never', Refuse: () => 'never' },
      authorize(_, name) {
        throw name === 'Crash' ? new TypeError('secret') : new HubError('Come back on Monday.')
      },
    },
  })
  await using client = await startedClient(hub)
  await expect(client.invoke('Crash')).rejects.toThrow(
    new Error("An unexpected error occurred invoking 'Crash' on the server."),
  )
  await expect(client.invoke('Refuse')).rejects.toThrow(new Error('Come back on Monday.'))
  expect(errors).toEqual([{ connectionId: expect.any(String), error: new TypeError('secret'), target: 'Crash' }])
})

test('a slow authorization keeps the order, and a method whose client is gone meanwhile does not run', async () => {
  const order: unknown[] = []
  const gate = Promise.withResolvers<boolean>()
  await using hub = await startHub({
    hub: {
      methods: {
        async *Stream() {
          order.push('stream')
          yield 1
        },
        Plain: () => order.push('plain'),
        Late: () => order.push('late'),
      },
      authorize: (_, name) => (name === 'Late' ? gate.promise : delay(name === 'Stream' ? 20 : 1, true)),
      onDisconnected: () => void order.push('disconnected'),
    },
  })
  const client = await rawClient(hub)
  client.send(
    { type: 4, invocationId: '0', target: 'Stream', arguments: [] },
    { type: 1, invocationId: '1', target: 'Plain', arguments: [] },
    { type: 1, invocationId: '2', target: 'Late', arguments: [] },
  )
  await client.receives({ type: 3, invocationId: '1' })
  expect(order).toEqual(['stream', 'plain'])
  client.socket.terminate()
  await expect.poll(() => hub.connections().length).toBe(0)
  gate.resolve(true)
  await expect.poll(() => order).toEqual(['stream', 'plain', 'disconnected'])
})
