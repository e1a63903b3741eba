import { readdir, readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HttpTransportType } from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { connectHub } from '@parley/client'
import type { Conversation, Message } from '@parley/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isOnceAndInOrder } from '../src/audit.ts'
import { join, signIn, type Participant, type Way } from '../src/participant.ts'
import { startRoundRobin, type RoundRobin } from '../src/round-robin.ts'
import { startSystem, type System } from '../src/start-system.ts'

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType
const ways: Readonly<Record<string, Way>> = {
  'WebSockets, JSON': { transport: WebSockets },
  'WebSockets, MessagePack': { transport: WebSockets, protocol: new MessagePackHubProtocol() },
  'stateful WebSockets, JSON': { transport: WebSockets, stateful: true },
  'stateful WebSockets, MessagePack': {
    transport: WebSockets,
    stateful: true,
    protocol: new MessagePackHubProtocol(),
  },
  'Server-Sent Events, JSON': { transport: ServerSentEvents },
  'long polling, JSON': { transport: LongPolling },
  'long polling, MessagePack': { transport: LongPolling, protocol: new MessagePackHubProtocol() },
}
const PATIENCE = { timeout: 30_000 }
const PAUSE_MS = 10

let system: System
let roundRobin: RoundRobin
beforeAll(async () => {
  system = await startSystem()
  roundRobin = await startRoundRobin(system.gatewayUrls)
}, 120_000)
afterAll(async () => {
  await roundRobin?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

interface Talker {
  readonly way: string
  readonly person: Participant
  /** The gateway that keeps its connection. */
  readonly home: string
  /** How often it had to start anew. */
  readonly restarts: () => number
}

/** One person for each way to connect, one after another, all in one conversation. */
async function startTalking(stack: AsyncDisposableStack, chosen = Object.keys(ways)) {
  const talkers: Talker[] = []
  for (const way of chosen) {
    const before = roundRobin.passed.length
    const person = stack.use(await join(roundRobin.url, way, ways[way]))
    // That of a plain WebSocket is where it has landed, of all others where it was negotiated.
    const first = way.startsWith('WebSockets') ? 'GET' : 'POST'
    const opening = roundRobin.passed.slice(before).find(({ method, path }) => {
      return method === first && path.startsWith('/hubs/chat')
    })
    let restarts = 0
    person.connection.onreconnecting(() => restarts++)
    talkers.push({ way, person, home: opening?.gatewayUrl ?? '', restarts: () => restarts })
  }
  const [creator, ...others] = talkers as [Talker, ...Talker[]]
  const { id: conversationId } = await creator.person.invoke<Conversation>('CreateConversation', {
    kind: 'group',
    memberIds: others.map(({ person }) => person.user.id),
  })
  for (const { person } of others) await expect.poll(() => person.conversations.length, PATIENCE).toBe(1)
  return { talkers, conversationId }
}

/** Each says so many sentences, one after another. Answers with their ids. */
async function talk(talkers: readonly Talker[], conversationId: string, sentences: number): Promise<string[]> {
  const said = talkers.map(async ({ way, person }) => {
    const ids: string[] = []
    for (let number = 0; number < sentences; number++) {
      ids.push((await person.say(conversationId, `${way}: ${number}`)).id)
      await delay(PAUSE_MS)
    }
    return ids
  })
  return (await Promise.all(said)).flat()
}

/** Nothing lost, doubled or out of order. */
async function expectHeard({ way, person }: Talker, said: readonly string[]): Promise<void> {
  await expect.poll(() => person.heard.length, { ...PATIENCE, message: way }).toBe(said.length)
  expect(isOnceAndInOrder(person.heard), way).toBe(true)
  expect(idsOf(person.heard), way).toEqual(said.toSorted())
}

const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id).toSorted()

/** The gateways that the requests of a connection went to: its token begins with its public id. */
function gatewaysOf({ connection }: Participant): Set<string> {
  const own = roundRobin.passed.filter(({ path }) => path.includes(`id=${connection.connectionId}.`))
  return new Set(own.map(({ gatewayUrl }) => gatewayUrl))
}

test('whatever the transport and the protocol, nothing is lost, doubled or out of order, and nobody starts anew', async () => {
  await using stack = new AsyncDisposableStack()
  const { talkers, conversationId } = await startTalking(stack)
  const said = await talk(talkers, conversationId, 40)
  for (const talker of talkers) await expectHeard(talker, said)
  for (const { way, restarts } of talkers) expect(restarts(), way).toBe(0)
  for (const { way, person } of talkers.filter(({ way: name }) => !name.includes('WebSockets'))) {
    expect(gatewaysOf(person), way).toEqual(new Set(system.gatewayUrls))
  }
}, 120_000)

test('a stateful connection that breaks attaches again through either gateway, and nothing is lost, doubled or out of order', async () => {
  await using stack = new AsyncDisposableStack()
  const { talkers, conversationId } = await startTalking(
    stack,
    Object.keys(ways).filter((way) => way.includes('stateful')),
  )
  const connectionIds = talkers.map(({ person }) => person.connection.connectionId)
  let said: string[] = []
  for (let times = 0; times < 4; times++) {
    const talking = talk(talkers, conversationId, 20)
    await delay(5 * PAUSE_MS)
    const before = roundRobin.passed.length
    roundRobin.breakSockets()
    said = [...said, ...(await talking)]
    expect(roundRobin.passed.length).toBeGreaterThan(before)
  }
  for (const talker of talkers) await expectHeard(talker, said)
  for (const { way, restarts } of talkers) expect(restarts(), way).toBe(0)
  expect(talkers.map(({ person }) => person.connection.connectionId)).toEqual(connectionIds)
  for (const { way, person } of talkers) {
    expect(gatewaysOf(person), way).toEqual(new Set(system.gatewayUrls))
  }
}, 120_000)

test('who lived on a gateway that is killed starts anew on another, whatever the transport', async () => {
  await using stack = new AsyncDisposableStack()
  const { talkers, conversationId } = await startTalking(
    stack,
    Object.keys(ways).flatMap((way) => [way, way]),
  )
  const before = talkers.map(({ person }) => person.connection.connectionId)
  await system.kill('gateway-1')
  const homeless = talkers.filter(({ home }) => home === system.gatewayUrls[0])
  expect(homeless.length).toBeGreaterThan(0)
  for (const { way, restarts } of homeless)
    await expect.poll(restarts, { ...PATIENCE, message: way }).toBeGreaterThan(0)
  for (const { way, person } of talkers) {
    await expect.poll(() => person.connection.state, { ...PATIENCE, message: way }).toBe('Connected')
  }
  for (const [index, { person, home }] of talkers.entries()) {
    if (home === system.gatewayUrls[0]) expect(person.connection.connectionId).not.toBe(before[index])
  }
  await system.untilBack('gateway-1')
  const heardBefore = talkers.map(({ person }) => person.heard.length)
  const said = await talk(talkers, conversationId, 5)
  for (const [index, { way, person }] of talkers.entries()) {
    const heard = () => idsOf(person.heard.slice(heardBefore[index]))
    await expect.poll(heard, { ...PATIENCE, message: way }).toEqual(said.toSorted())
  }
}, 180_000)

test('tokens and tickets that stood in a URL are in no log, and the SDK puts no access token there', async () => {
  const { accessToken } = await signIn(roundRobin.url, 'someone with a secret')
  const before = roundRobin.passed.length
  await using hub = await connectHub({ url: roundRobin.url, accessToken, transport: ServerSentEvents })
  await hub.invoke('GetMe', {})
  const paths = roundRobin.passed.slice(before).map(({ path }) => path)
  const secrets = paths.flatMap((path) => [...new URLSearchParams(path.slice(path.indexOf('?'))).values()])
  const [ticket] = secrets.filter((value) => value.startsWith('ticket.'))
  expect(ticket).toBeDefined()
  expect(secrets).not.toContain(accessToken)

  const everything = roundRobin.passed.map(({ path }) => new URLSearchParams(path.slice(path.indexOf('?'))))
  const tokens = new Set(everything.flatMap((query) => [...query.getAll('id'), ...query.getAll('access_token')]))
  const files = await readdir(system.logDirectory)
  const logs = await Promise.all(files.map((file) => readFile(joinPath(system.logDirectory, file), 'utf8')))
  const text = logs.join('\n')
  expect(text).toContain('/hubs/chat')
  expect([...tokens].filter((token) => text.includes(token))).toEqual([])
  expect(text).not.toContain('eyJ')
  expect(text).not.toContain('ticket.')
})
