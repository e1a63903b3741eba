import type { IncomingMessage } from 'node:http'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect, test } from 'vitest'
import { encodeInvocation, type HubConnection, type HubServerOptions } from '../src/index.ts'
import { Groups } from '../src/clients/groups.ts'
import { rawClient, rawSocket, startHub, startedClient, type RawClient, type TestHub } from './fixture.ts'

const joining: HubServerOptions<string>['hub'] = {
  methods: {
    Join: (connection, group) => connection.join(String(group)),
    Leave: (connection, group) => connection.leave(String(group)),
    WhoAmI: (connection) => connection.id,
  },
}

/** So many clients, and the ids by which the server knows them. */
async function connected(hub: TestHub, count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => startedClient(hub)))
  const heard: unknown[][] = clients.map(() => [])
  for (const [index, client] of clients.entries()) client.on('Said', (text: unknown) => void heard[index]!.push(text))
  const ids = await Promise.all(clients.map((client) => client.invoke<string>('WhoAmI')))
  return {
    clients,
    heard,
    ids,
    /** Empties what was heard so far: what each client heard since the last time. */
    async news() {
      // A reply comes behind everything that was sent before it was asked for.
      await Promise.all(clients.map((client) => client.invoke('WhoAmI')))
      return heard.map((list) => list.splice(0))
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(clients.map((client) => client.stop()))),
  }
}

test('what is sent to a group reaches those who joined it, once, until they leave', async () => {
  await using hub = await startHub({ hub: joining })
  await using chat = await connected(hub, 3)
  const [first, second] = chat.clients
  await Promise.all([first!.invoke('Join', 'red'), first!.invoke('Join', 'red'), second!.invoke('Join', 'red')])
  await second!.invoke('Join', 'blue')
  const { clients } = hub.server
  clients.group('red').send('Said', 'to red')
  clients.group('blue').send('Said', 'to blue')
  clients.group('nobody').send('Said', 'to nobody')
  expect(await chat.news()).toEqual([['to red'], ['to red', 'to blue'], []])
  clients.groups(['red', 'blue', 'nobody']).send('Said', 'to both')
  clients.groupExcept('red', [chat.ids[0]!]).send('Said', 'to the others')
  expect(await chat.news()).toEqual([['to both'], ['to both', 'to the others'], []])
  await first!.invoke('Leave', 'red')
  await first!.invoke('Leave', 'never joined')
  clients.group('red').send('Said', 'again')
  expect(await chat.news()).toEqual([[], ['again'], []])
})

test('all, all except some, and single ones can be spoken to', async () => {
  await using hub = await startHub({ hub: joining })
  await using chat = await connected(hub, 3)
  const { clients } = hub.server
  clients.all.send('Said', 'all')
  clients.allExcept(new Set([chat.ids[0]!, 'nobody'])).send('Said', 'some')
  clients.connection(chat.ids[2]!).send('Said', 'one')
  clients.connection('nobody').send('Said', 'none')
  clients.all.sendFrame(encodeInvocation('Said', ['frame']), 'ephemeral')
  expect(await chat.news()).toEqual([
    ['all', 'frame'],
    ['all', 'some', 'frame'],
    ['all', 'some', 'one', 'frame'],
  ])
})

test('an audience is who belongs to it when something is sent', async () => {
  await using hub = await startHub({ hub: joining })
  await using chat = await connected(hub, 2)
  const { clients } = hub.server
  const red = clients.group('red')
  red.send('Said', 'too early')
  await chat.clients[0]!.invoke('Join', 'red')
  red.send('Said', 'red')
  await using late = await startedClient(hub)
  const heard: unknown[] = []
  late.on('Said', (text: unknown) => void heard.push(text))
  clients.all.send('Said', 'all')
  await expect.poll(() => heard).toEqual(['all'])
  expect(await chat.news()).toEqual([['red', 'all'], ['all']])
})

test('a message for an audience is encoded once, and not at all for nobody', async () => {
  await using hub = await startHub({ hub: joining })
  let encoded = 0
  const counted = { toJSON: () => ++encoded }
  hub.server.clients.all.send('Said', counted)
  expect(encoded).toBe(0)
  await using chat = await connected(hub, 3)
  hub.server.clients.all.send('Said', counted)
  expect(await chat.news()).toEqual([[1], [1], [1]])
  expect(() => hub.server.clients.all.send('Said', 1n)).toThrow(TypeError)
})

test('whoever ends is in no group any more, and cannot join one', async () => {
  let connection: HubConnection<string> | undefined
  await using hub = await startHub({
    hub: {
      methods: {},
      onConnected(joined) {
        connection = joined
        joined.join('red')
        joined.join('blue')
      },
      onDisconnected: (joined) => joined.join('red'),
    },
  })
  const client = await rawClient(hub)
  await expect.poll(() => hub.connections().length).toBe(1)
  client.socket.terminate()
  await expect.poll(() => hub.ended.length).toBe(1)
  connection!.join('green')
  await using other = await rawClient(hub)
  await expect.poll(() => hub.connections().length).toBe(1)
  hub.server.clients.group('red').send('Said', 'only one')
  hub.server.clients.group('green').send('Said', 'nobody')
  hub.server.clients.all.send('Last')
  await other.receives({ target: 'Last' })
  expect(other.messages.map(({ target }) => target)).toEqual([undefined, 'Said', 'Last'])
})

test('a group is there while somebody is in it', () => {
  const groups = new Groups<string>()
  groups.join('red', 'a')
  groups.join('red', 'b')
  groups.join('blue', 'a')
  groups.leave('red', 'nobody')
  groups.leave('green', 'a')
  groups.leave('red', 'a')
  expect([groups.size, [...groups.of('red')], [...groups.of('green')]]).toEqual([{ groups: 2, members: 2 }, ['b'], []])
  groups.leaveAll('a')
  groups.leaveAll('b')
  expect(groups.size).toEqual({ groups: 0, members: 0 })
})

test('connections that end while a message goes to them harm nobody', async () => {
  const frame = encodeInvocation('Chunk', ['x'.repeat(100_000)])
  await using hub = await startHub({ limits: { bufferedBytes: 300_000 } })
  const clients = await Promise.all(Array.from({ length: 6 }, () => rawClient(hub)))
  await expect.poll(() => hub.connections().length).toBe(6)
  for (const [index, client] of clients.entries()) if (index % 2 === 0) client.socket.pause()
  let received = 0
  const listening = clients.filter((_, index) => index % 2 === 1)
  for (let sent = 1; hub.connections().length > 3; sent++) {
    hub.server.clients.all.sendFrame(frame)
    await expect.poll(() => Math.min(...listening.map(chunksOf))).toBe(sent)
    received = sent
  }
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['slow client', 'slow client', 'slow client'])
  expect(listening.map(chunksOf)).toEqual([received, received, received])
  for (const client of clients) client.socket.terminate()
})

const chunksOf = (client: RawClient) => client.messages.filter(({ target }) => target === 'Chunk').length

const userOptions = {
  authenticate: ({ url }: IncomingMessage) => new URLSearchParams(url?.split('?')[1]).get('user') ?? '',
  userIdOf: (identity: string) => (identity === '' ? undefined : identity),
}

test('what is sent to a user reaches all of their connections, and nobody else', async () => {
  await using hub = await startHub(userOptions)
  await using ann = await rawClient(hub, '?user=ann')
  await using annToo = await rawClient(hub, '?user=ann')
  await using bob = await rawClient(hub, '?user=bob')
  await using stranger = await rawClient(hub)
  await expect.poll(() => hub.connections().length).toBe(4)
  const { clients } = hub.server
  clients.user('ann').send('ToAnn')
  clients.users(['ann', 'bob', 'ann']).send('ToBoth')
  clients.user('').send('ToNobody')
  annToo.socket.terminate()
  await expect.poll(() => hub.ended.length).toBe(1)
  clients.user('ann').send('ToAnnAgain')
  clients.all.send('Last')
  const targets = async (client: RawClient) => {
    await client.receives({ target: 'Last' })
    return client.messages.slice(1).map(({ target }) => target)
  }
  expect(await targets(ann)).toEqual(['ToAnn', 'ToBoth', 'ToAnnAgain', 'Last'])
  expect(await targets(bob)).toEqual(['ToBoth', 'Last'])
  expect(await targets(stranger)).toEqual(['Last'])
})

test('a user who connects too often loses the oldest connection, for good', async () => {
  await using hub = await startHub({ ...userOptions, limits: { connectionsPerUser: 2 } })
  await using first = await rawClient(hub, '?user=ann')
  await using second = await rawClient(hub, '?user=ann')
  await using other = await rawClient(hub, '?user=bob')
  await expect.poll(() => hub.connections().length).toBe(3)
  await using third = await rawClient(hub, '?user=ann')
  await first.closed
  expect(first.messages.at(-1)).toEqual({ type: 7, error: 'The user has more than 2 connections.' })
  expect(hub.ended.map(({ reason }) => reason)).toEqual(['server closed'])
  hub.server.clients.all.send('Said')
  for (const client of [second, third, other]) await client.receives({ target: 'Said' })
  // A place that is given up is free.
  second.socket.terminate()
  await expect.poll(() => hub.connections().length).toBe(2)
  await using fourth = await rawClient(hub, '?user=ann')
  await expect.poll(() => hub.connections().length).toBe(3)
  hub.server.clients.user('ann').send('ToAnn')
  for (const client of [third, fourth]) await client.receives({ target: 'ToAnn' })
})

test('connections of those who are nobody in particular are not counted, nor is anybody without userIdOf', async () => {
  for (const options of [userOptions, {}]) {
    await using hub = await startHub({ ...options, limits: { connectionsPerUser: 1 } })
    const clients = await Promise.all(Array.from({ length: 3 }, () => rawClient(hub)))
    await expect.poll(() => hub.connections().length).toBe(3)
    hub.server.clients.all.send('Said')
    for (const client of clients) await client.receives({ target: 'Said' })
  }
})

test('a userIdOf that throws keeps its connection out, and nobody hears of it', async () => {
  await using hub = await startHub({
    userIdOf() {
      throw new Error('secret')
    },
  })
  await using client = await rawSocket(hub)
  client.send({ protocol: 'json', version: 1 })
  await client.closed
  expect(client.messages.at(-1)).toEqual({ type: 7, error: 'Connection closed with an error.' })
  expect([hub.connections(), hub.ended]).toEqual([[], []])
})

test('what cannot be encoded for one client reaches those for whom it can, and the sender is told', async () => {
  await using hub = await startHub()
  const packed = () => startedClient(hub, { protocol: new MessagePackHubProtocol() })
  await using first = await packed()
  await using second = await startedClient(hub)
  await using third = await packed()
  const heard: unknown[] = []
  for (const client of [first, second, third]) client.on('Said', (value: unknown) => void heard.push(value))
  expect(() => hub.server.clients.all.send('Said', 1n)).toThrow(TypeError)
  hub.server.clients.all.send('Said', 2)
  await expect.poll(() => heard.length).toBe(5)
  expect(heard.filter((value) => Number(value) === 1)).toHaveLength(2)
})
