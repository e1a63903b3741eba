import { HttpTransportType, Subject } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect, test } from 'vitest'
import { ClientError, HubError } from '../src/index.ts'
import { startHub, startedClient } from './fixture.ts'
import { collect, readAll } from './streams.ts'

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType
const ways = [
  ['WebSockets and JSON', WebSockets, undefined],
  ['WebSockets and MessagePack', WebSockets, new MessagePackHubProtocol()],
  ['Server-Sent Events and JSON', ServerSentEvents, undefined],
  ['long polling and JSON', LongPolling, undefined],
  ['long polling and MessagePack', LongPolling, new MessagePackHubProtocol()],
] as const

test.for(ways)('streams, client results and groups work over %s', async ([, transport, protocol]) => {
  let stopped = 0
  await using hub = await startHub({
    hub: {
      methods: {
        async *Count(_, to) {
          try {
            for (let number = 0; number < Number(to); number++) yield { number, nothing: null }
          } finally {
            stopped++
          }
        },
        async *Crash() {
          yield 1
          throw new HubError('That is enough.')
        },
        List: { uploads: 1, run: (_, __, { uploads }) => readAll(uploads[0]) },
        Ask: (connection, target) =>
          connection.invoke(String(target), ['question']).catch((error: unknown) => [error instanceof ClientError]),
        Join: (connection) => connection.join('red'),
      },
    },
  })
  await using client = await startedClient(hub, { transport, ...(protocol !== undefined && { protocol }) })

  const counted = collect(client.stream('Count', 300))
  await counted.ended
  expect(counted.items).toEqual(Array.from({ length: 300 }, (_, number) => ({ number, nothing: null })))
  const crashed = collect(client.stream('Crash'))
  await expect(crashed.ended).rejects.toThrow(new Error('That is enough.'))
  const endless = collect(client.stream('Count', Number.MAX_SAFE_INTEGER))
  await expect.poll(() => endless.items.length).toBeGreaterThan(1_000)
  endless.cancel()
  await expect.poll(() => stopped).toBe(2)

  const numbers = new Subject<number>()
  const listed = client.invoke('List', numbers)
  for (let number = 0; number < 50; number++) numbers.next(number)
  numbers.complete()
  expect(await listed).toEqual(Array.from({ length: 50 }, (_, number) => number))

  client.on('Answer', (question: string) => ({ question }))
  client.on('Null', () => null)
  expect(await client.invoke('Ask', 'Answer')).toEqual({ question: 'question' })
  expect(await client.invoke('Ask', 'Null')).toBeNull()
  expect(await client.invoke('Ask', 'Missing')).toEqual([true])

  const heard: unknown[] = []
  client.on('Said', (text: unknown) => void heard.push(text))
  await client.invoke('Join')
  hub.server.clients.group('red').send('Said', 'to red')
  hub.server.clients.all.send('Said', 'to all')
  await expect.poll(() => heard).toEqual(['to red', 'to all'])
  expect(hub.ended).toEqual([])
})
