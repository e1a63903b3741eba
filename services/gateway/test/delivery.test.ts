import { randomUUID } from 'node:crypto'
import { connectHub, type Hub } from '@parley/client'
import { conversationTopic, userTopic, type MembershipSpan, type TopicChange } from '@parley/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'

let gateway: TestGateway
let messaging: TestMessaging

beforeAll(async () => {
  gateway = await startTestGateway()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
})
afterAll(() => gateway[Symbol.asyncDispose]())

type Change = Omit<TopicChange, 'version'>

/** A message as far as delivery looks into it: not at all. */
const message = (text: string): Change => ({ event: 'MessageCreated', argument: { text } })
const left = (userId: string): Change => ({ event: 'MemberLeft', argument: { userId }, left: userId })
const added = (membership: MembershipSpan): Change => ({
  event: 'ConversationAdded',
  argument: { id: membership.conversationId },
  membership,
})
const removed = (membership: MembershipSpan): Change => ({
  event: 'ConversationRemoved',
  argument: { conversationId: membership.conversationId },
  membership,
})

interface Client extends AsyncDisposable {
  readonly hub: Hub
  readonly texts: string[]
  readonly events: string[]
}

async function connect(userId: string): Promise<Client> {
  const texts: string[] = []
  const events: string[] = []
  const hub = await connectHub({
    url: gateway.url,
    accessToken: gateway.issuer.tokenFor(userId),
    listen(starting) {
      starting.on('MessageCreated', ({ text }) => {
        texts.push(text)
        events.push(text)
      })
      for (const name of ['ConversationAdded', 'ConversationRemoved', 'MemberLeft'] as const) {
        starting.on(name, () => events.push(name))
      }
    },
  })
  return { hub, texts, events, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
}

function newConversation() {
  const userId = randomUUID()
  const conversationId = randomUUID()
  return { userId, conversationId, topic: conversationTopic(conversationId) }
}

describe('a connected member', () => {
  test('gets each change once and in order, though notices come twice, late and out of order', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using client = await connect(userId)
    const changes = ['1', '2', '3', '4', '5', '6'].map((text) => messaging.change(topic, message(text), false))
    const [one, two, three, four, five, six] = changes as [TopicChange, ...TopicChange[]]
    messaging.tell(topic, two!, one)
    messaging.tell(topic, one, two!, four!)
    messaging.tell(topic, six!, five!, three!)
    await expect.poll(() => client.texts).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  test('gets what was lost on the way as soon as something newer comes', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using client = await connect(userId)
    messaging.change(topic, message('lost'), false)
    messaging.change(topic, message('lost too'), false)
    messaging.change(topic, message('heard'))
    await expect.poll(() => client.texts).toEqual(['lost', 'lost too', 'heard'])
  })

  test('gets the only message of a quiet conversation after NATS was away', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using client = await connect(userId)
    messaging.change(topic, message('unheard'), false)
    await gateway.nats.restart()
    await expect.poll(() => client.texts, { timeout: 15_000 }).toEqual(['unheard'])
  })

  test('gets what follows the moment of Welcome, and nothing before', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    messaging.change(topic, message('before'))
    await using client = await connect(userId)
    messaging.change(topic, message('after'))
    await expect.poll(() => client.texts).toEqual(['after'])
  })

  test('hears of a conversation on all devices', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using phone = await connect(userId)
    await using laptop = await connect(userId)
    messaging.change(topic, message('to both'))
    await expect.poll(() => [phone.texts, laptop.texts]).toEqual([['to both'], ['to both']])
  })
})

describe('a member who is added while connected', () => {
  test('is told of the conversation, then of all that was said since joining', async () => {
    const { userId, conversationId, topic } = newConversation()
    await using client = await connect(userId)
    messaging.change(topic, message('not theirs'))
    const membership = messaging.add(userId, conversationId)
    messaging.change(topic, message('theirs'))
    messaging.change(userTopic(userId), added(membership))
    await expect.poll(() => client.events).toEqual(['ConversationAdded', 'theirs'])
    messaging.change(topic, message('live'))
    await expect.poll(() => client.events).toEqual(['ConversationAdded', 'theirs', 'live'])
  })

  test('gets the same when others of this gateway are members already', async () => {
    const { userId, conversationId, topic } = newConversation()
    const other = randomUUID()
    messaging.add(other, conversationId)
    await using member = await connect(other)
    await using client = await connect(userId)
    messaging.change(topic, message('not theirs'))
    await expect.poll(() => member.texts).toHaveLength(1)
    const membership = messaging.add(userId, conversationId)
    messaging.change(topic, message('theirs'))
    await expect.poll(() => member.texts).toHaveLength(2)
    messaging.change(userTopic(userId), added(membership))
    messaging.change(topic, message('live'))
    await expect.poll(() => client.texts).toEqual(['theirs', 'live'])
    expect(member.texts).toEqual(['not theirs', 'theirs', 'live'])
  })
})

describe('a member who is removed', () => {
  test('gets the change that removed them, and nothing after it', async () => {
    const { userId, conversationId, topic } = newConversation()
    const other = randomUUID()
    messaging.add(userId, conversationId)
    messaging.add(other, conversationId)
    await using removedClient = await connect(userId)
    await using member = await connect(other)
    messaging.change(topic, message('to both'))
    messaging.change(topic, left(userId))
    messaging.change(topic, message('to one'))
    await expect.poll(() => member.texts).toEqual(['to both', 'to one'])
    expect(removedClient.events).toEqual(['to both', 'MemberLeft'])
  })

  test('gets nothing after it even when only their own topic tells of it', async () => {
    const { userId, conversationId, topic } = newConversation()
    const other = randomUUID()
    const membership = messaging.add(userId, conversationId)
    messaging.add(other, conversationId)
    await using removedClient = await connect(userId)
    await using member = await connect(other)
    const lastChange = messaging.change(topic, { event: 'MemberLeft', argument: {} })
    await expect.poll(() => removedClient.events).toEqual(['MemberLeft'])
    messaging.change(userTopic(userId), removed({ ...membership, leftVersion: lastChange.version }))
    await expect.poll(() => removedClient.events).toEqual(['MemberLeft', 'ConversationRemoved'])
    messaging.change(topic, message('to one'))
    await expect.poll(() => member.texts).toEqual(['to one'])
    expect(removedClient.texts).toEqual([])
  })

  test('before what they are to get was fetched gets it up to the change that removed them', async () => {
    const { userId, conversationId, topic } = newConversation()
    await using client = await connect(userId)
    const membership = messaging.add(userId, conversationId)
    messaging.change(topic, message('theirs'), false)
    const { version } = messaging.change(topic, left(userId), false)
    messaging.change(topic, message('not theirs'), false)
    messaging.change(userTopic(userId), added(membership))
    messaging.change(userTopic(userId), removed({ ...membership, leftVersion: version }))
    await expect
      .poll(() => new Set(client.events))
      .toEqual(new Set(['ConversationAdded', 'ConversationRemoved', 'theirs', 'MemberLeft']))
    messaging.change(topic, message('not theirs either'))
    messaging.change(userTopic(userId), { event: 'ConversationRemoved', argument: {} })
    await expect.poll(() => client.events).toHaveLength(5)
    expect(client.texts).toEqual(['theirs'])
  })

  test('is told so behind all that was theirs, and what follows on their own behind that', async () => {
    const { userId, conversationId, topic } = newConversation()
    const membership = messaging.add(userId, conversationId)
    await using client = await connect(userId)
    messaging.change(topic, message('first'))
    await expect.poll(() => client.texts).toEqual(['first'])
    // The gateway has not heard of these, and fetching them fails once.
    messaging.change(topic, message('theirs'), false)
    const { version } = messaging.change(topic, left(userId), false)
    let failures = 1
    messaging.beforeChanges = (asked) => {
      if (asked === topic && failures-- > 0) throw new Error('cannot be read')
    }
    messaging.change(userTopic(userId), removed({ ...membership, leftVersion: version }))
    const again = newConversation()
    messaging.change(userTopic(userId), added(messaging.add(userId, again.conversationId)))
    await expect
      .poll(() => client.events, { timeout: 10_000 })
      .toEqual(['first', 'theirs', 'MemberLeft', 'ConversationRemoved', 'ConversationAdded'])
    messaging.beforeChanges = undefined
  })

  test('while their connection is being made gets nothing of what follows', async () => {
    const { userId, conversationId, topic } = newConversation()
    messaging.add(userId, conversationId)
    messaging.failingVersions = 1
    messaging.beforeVersions = () => messaging.remove(userId, conversationId)
    await using client = await connect(userId)
    messaging.change(topic, message('not theirs'))
    messaging.change(userTopic(userId), { event: 'ConversationRemoved', argument: {} })
    await expect.poll(() => client.events).toEqual(['ConversationRemoved'])
  })

  test('and added again gets what is said from then on', async () => {
    const { userId, conversationId, topic } = newConversation()
    const membership = messaging.add(userId, conversationId)
    await using client = await connect(userId)
    const { version } = messaging.change(topic, left(userId))
    messaging.change(userTopic(userId), removed({ ...membership, leftVersion: version }))
    messaging.change(topic, message('while away'))
    const again = { ...membership, joinedVersion: version + 2 }
    messaging.change(userTopic(userId), added(again))
    messaging.change(topic, message('back'))
    await expect.poll(() => client.texts).toEqual(['back'])
  })
})

test('a large conversation is told at most once a second, in its newest state, and never in an older one', async () => {
  const { userId, conversationId, topic } = newConversation()
  messaging.add(userId, conversationId)
  await using client = await connectClient(gateway, userId)
  const update = (version: number): Change & { version: number; afterVersion: number } => ({
    event: 'ConversationUpdated',
    argument: { id: conversationId, version, memberCount: 2_000 + version, lastSequence: 0 },
    afterVersion: version - 10,
    version,
  })
  const startedAt = performance.now()
  for (let version = 10; version <= 200; version += 10) messaging.change(topic, update(version))
  messaging.change(topic, { event: 'MessageCreated', argument: { text: 'between' }, sequence: 1 })
  await expect.poll(() => client.names()).toEqual(['ConversationUpdated', 'MessageCreated'])
  await expect.poll(() => client.told, { timeout: 3_000 }).toHaveLength(3)
  expect(performance.now() - startedAt).toBeGreaterThan(900)
  expect(client.told.at(-1)?.argument).toMatchObject({ version: 201, memberCount: 2_200, lastSequence: 1 })
})

test('Redis restarting leaves no hole', async () => {
  const { userId, conversationId, topic } = newConversation()
  messaging.add(userId, conversationId)
  await using client = await connect(userId)
  await gateway.redis.kill()
  messaging.change(topic, message('without Redis'))
  await expect.poll(() => client.texts).toEqual(['without Redis'])
  await gateway.redis.restart()
  messaging.change(topic, message('with Redis'))
  await expect.poll(() => client.texts).toEqual(['without Redis', 'with Redis'])
})
