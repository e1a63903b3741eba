import { setTimeout as delay } from 'node:timers/promises'
import { HttpTransportType, HubConnectionBuilder, LogLevel, Subject } from '@microsoft/signalr'
import { expect, test } from 'vitest'
import { breakableProxy } from './breakable-proxy.ts'
import { startHub, type TestHub } from './fixture.ts'
import { collect, readAll } from './streams.ts'

/** The official client with stateful reconnect, behind a stretch of network that can be cut. */
async function behindProxy(hub: TestHub) {
  const proxy = await breakableProxy(hub)
  const client = new HubConnectionBuilder()
    .withUrl(proxy.url, { transport: HttpTransportType.WebSockets })
    .withStatefulReconnect()
    .configureLogging(LogLevel.None)
    .build()
  await client.start()
  let cuts = 0
  let back = 0
  client.on('Back', (number: number) => void (back = number))
  return {
    client,
    /** Resolves when the client is back. It tries only once, so it must not be disturbed earlier. */
    async cut() {
      proxy.cut()
      hub.server.clients.all.send('Back', ++cuts)
      await expect.poll(() => back, { timeout: 10_000, interval: 5 }).toBe(cuts)
    },
    async [Symbol.asyncDispose]() {
      await client.stop()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

test('streams in both directions outlive their socket, and nothing of them is lost or doubled', async () => {
  await using hub = await startHub({
    hub: {
      methods: {
        async *Count(_, to) {
          for (let number = 0; number < Number(to); number++) {
            if (number % 20 === 0) await delay(1)
            yield number
          }
        },
        List: { uploads: 1, run: (_, __, { uploads }) => readAll(uploads[0]) },
      },
    },
  })
  await using network = await behindProxy(hub)
  const { client } = network
  const expected = Array.from({ length: 400 }, (_, number) => number)
  const counted = collect(client.stream('Count', 400))
  const numbers = new Subject<number>()
  const listed = client.invoke('List', numbers)
  for (const number of expected) {
    numbers.next(number)
    if (number % 100 === 50) await network.cut()
  }
  numbers.complete()
  expect(await listed).toEqual(expected)
  await counted.ended
  expect(counted.items).toEqual(expected)
  expect(hub.ended).toEqual([])
})

test('a stream larger than what may be unacknowledged comes whole', async () => {
  const item = 'x'.repeat(10_000)
  await using hub = await startHub({
    hub: {
      methods: {
        async *Large() {
          for (let number = 0; number < 30; number++) yield item
        },
      },
    },
  })
  await using network = await behindProxy(hub)
  const { items, ended } = collect(network.client.stream('Large'))
  await ended
  expect(items).toEqual(Array.from({ length: 30 }, () => item))
})

test('an answer that is waited for comes over the next socket, also from behind a full inbox', async () => {
  const said: unknown[] = []
  const gate = Promise.withResolvers<string>()
  await using hub = await startHub({
    hub: {
      methods: { Ask: (connection) => connection.invoke('Answer', []), Say: (_, index) => said.push(index) },
    },
  })
  await using network = await behindProxy(hub)
  const { client } = network
  let asked = 0
  client.on('Answer', () => {
    asked++
    return gate.promise
  })
  const answered = client.invoke('Ask')
  const indexes = Array.from({ length: 200 }, (_, index) => index)
  const saying = indexes.map((index) => client.invoke('Say', index))
  await expect.poll(() => asked).toBe(1)
  await network.cut()
  gate.resolve('answered')
  await network.cut()
  expect(await answered).toBe('answered')
  await Promise.all(saying)
  expect([asked, said]).toEqual([1, indexes])
})

test('whoever comes back with another socket is still in the groups', async () => {
  await using hub = await startHub({ hub: { methods: { Join: (connection) => connection.join('red') } } })
  await using network = await behindProxy(hub)
  const heard: unknown[] = []
  network.client.on('Said', (text: unknown) => void heard.push(text))
  await network.client.invoke('Join')
  hub.server.clients.group('red').send('Said', 'before')
  await network.cut()
  hub.server.clients.group('red').send('Said', 'after')
  await expect.poll(() => heard).toEqual(['before', 'after'])
})
