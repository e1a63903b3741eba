import { randomUUID } from 'node:crypto'
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

const sent = (sequence: number): Change => ({
  event: 'MessageCreated',
  argument: { text: `${sequence}` },
  sequence,
})
const changed = (sequence: number): Change => ({ ...sent(sequence), event: 'MessageUpdated' })
const added = (membership: MembershipSpan): Change => ({ event: 'ConversationAdded', argument: {}, membership })
const removed = (membership: MembershipSpan): Change => ({ event: 'ConversationRemoved', argument: {}, membership })
const left = (userId: string): Change => ({ event: 'MemberLeft', argument: {}, left: userId })

/** A conversation of four messages, an old member who sees them all, and a user who is not a member yet. */
function newConversation() {
  const conversationId = randomUUID()
  const topic = conversationTopic(conversationId)
  const oldMember = randomUUID()
  const newcomer = randomUUID()
  messaging.add(oldMember, conversationId)
  for (let sequence = 1; sequence <= 4; sequence += 1) messaging.change(topic, sent(sequence))
  return { conversationId, topic, oldMember, newcomer }
}

describe('who may see what is said from when they joined', () => {
  test('is not told when a message from before is changed, and is told of those after', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    messaging.add(newcomer, conversationId, { visibleFromSequence: 5 })
    await using old = await connectClient(gateway, oldMember)
    await using late = await connectClient(gateway, newcomer)
    messaging.change(topic, changed(4))
    messaging.change(topic, sent(5))
    messaging.change(topic, changed(2))
    messaging.change(topic, changed(5))
    await expect.poll(() => old.texts()).toEqual(['4*', '5', '2*', '5*'])
    await expect.poll(() => late.texts()).toEqual(['5', '5*'])
  })

  test('nor when the changes were lost on the way and are fetched', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    messaging.add(newcomer, conversationId, { visibleFromSequence: 5 })
    await using old = await connectClient(gateway, oldMember)
    await using late = await connectClient(gateway, newcomer)
    messaging.change(topic, changed(1), false)
    messaging.change(topic, sent(5), false)
    messaging.change(topic, changed(3))
    await expect.poll(() => old.texts()).toEqual(['1*', '5', '3*'])
    await expect.poll(() => late.texts()).toEqual(['5'])
  })

  test('nor in what they catch up with when they are added while connected', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    await using old = await connectClient(gateway, oldMember)
    await using late = await connectClient(gateway, newcomer)
    const membership = messaging.add(newcomer, conversationId, { visibleFromSequence: 5 })
    messaging.change(topic, changed(4))
    messaging.change(topic, sent(5))
    await expect.poll(() => old.texts()).toHaveLength(2)
    messaging.change(userTopic(newcomer), added(membership))
    await expect.poll(() => late.texts()).toEqual(['5'])
    messaging.change(topic, changed(3))
    messaging.change(topic, changed(5))
    await expect.poll(() => late.texts()).toEqual(['5', '5*'])
    expect(old.texts()).toEqual(['4*', '5', '3*', '5*'])
  })

  test('gets what they catch up with once, though it is fetched in two attempts', async () => {
    const { conversationId, topic, newcomer } = newConversation()
    await using late = await connectClient(gateway, newcomer)
    const membership = messaging.add(newcomer, conversationId, { visibleFromSequence: 5 })
    const sequences = Array.from({ length: 700 }, (_, index) => 5 + index)
    for (const sequence of sequences) messaging.change(topic, sent(sequence), false)
    let calls = 0
    messaging.beforeChanges = () => {
      calls += 1
      if (calls === 2) throw new Error('as the test wants')
    }
    messaging.change(userTopic(newcomer), added(membership))
    await expect.poll(() => late.texts(), { timeout: 5_000 }).toEqual(sequences.map(String))
    messaging.beforeChanges = undefined
    expect(calls).toBe(3)
  })

  test('is told of everything that is about no message', async () => {
    const { conversationId, topic, newcomer } = newConversation()
    messaging.add(newcomer, conversationId, { visibleFromSequence: 5 })
    await using late = await connectClient(gateway, newcomer)
    messaging.change(topic, { event: 'MemberChanged', argument: {} })
    await expect.poll(() => late.names()).toEqual(['MemberChanged'])
  })
})

describe('a member who is removed and added again', () => {
  test('sees no more of what only the first membership could see, and nothing of the time between', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    const first = messaging.add(newcomer, conversationId)
    await using old = await connectClient(gateway, oldMember)
    await using back = await connectClient(gateway, newcomer)
    messaging.change(topic, changed(2))
    const { version } = messaging.change(topic, left(newcomer))
    messaging.change(userTopic(newcomer), removed({ ...first, leftVersion: version }))
    messaging.change(topic, sent(5))
    messaging.change(topic, { event: 'MemberJoined', argument: {} })
    const second = { ...first, joinedVersion: version + 2, visibleFromSequence: 6 }
    messaging.change(userTopic(newcomer), added(second))
    messaging.change(topic, changed(2))
    messaging.change(topic, changed(5))
    messaging.change(topic, sent(6))
    messaging.change(topic, changed(6))
    await expect.poll(() => old.texts()).toEqual(['2*', '5', '2*', '5*', '6', '6*'])
    await expect.poll(() => back.texts()).toEqual(['2*', '6', '6*'])
  })

  test('sees the same when all of it happened before anything of it was told', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    const first = messaging.add(newcomer, conversationId)
    await using old = await connectClient(gateway, oldMember)
    await using back = await connectClient(gateway, newcomer)
    const { version } = messaging.change(topic, left(newcomer), false)
    messaging.change(topic, sent(5), false)
    messaging.change(topic, changed(1), false)
    const second = { ...first, joinedVersion: version + 3, visibleFromSequence: 6 }
    messaging.change(topic, { event: 'MemberJoined', argument: {} }, false)
    messaging.change(topic, changed(5), false)
    messaging.change(userTopic(newcomer), removed({ ...first, leftVersion: version }), false)
    messaging.change(userTopic(newcomer), added(second))
    messaging.change(topic, sent(6))
    await expect.poll(() => old.texts()).toEqual(['5', '1*', '5*', '6'])
    await expect.poll(() => back.texts()).toEqual(['6'])
    expect(back.names()).toContain('MemberLeft')
  })
})

describe('who is removed', () => {
  test('while they connect gets nothing that follows, though the notice of it is lost', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    const membership = messaging.add(newcomer, conversationId)
    messaging.beforeVersions = () => {
      const { version } = messaging.change(topic, left(newcomer), false)
      messaging.change(userTopic(newcomer), removed({ ...membership, leftVersion: version }), false)
    }
    await using leaving = await connectClient(gateway, newcomer)
    await using old = await connectClient(gateway, oldMember)
    messaging.change(topic, sent(5))
    await expect.poll(() => old.texts()).toEqual(['5'])
    expect(leaving.names()).toEqual(['ConversationRemoved'])
  })

  test('while they connect gets nothing that follows, though they are not done with their other conversations', async () => {
    const { conversationId, topic, newcomer } = newConversation()
    const other = newConversation()
    const membership = messaging.add(newcomer, conversationId)
    messaging.add(newcomer, other.conversationId)
    await using old = await connectClient(gateway, other.oldMember)
    messaging.beforeVersions = () => {
      const { version } = messaging.change(topic, left(newcomer), false)
      messaging.change(userTopic(newcomer), removed({ ...membership, leftVersion: version }), false)
      messaging.change(other.topic, sent(5))
    }
    messaging.beforeChanges = async (asked) => {
      if (asked !== other.topic) return
      messaging.beforeChanges = undefined
      messaging.change(topic, sent(6))
      messaging.change(other.topic, sent(7))
      await expect.poll(() => old.texts()).toEqual(['5', '7'])
    }
    await using leaving = await connectClient(gateway, newcomer)
    await expect.poll(() => leaving.texts()).toEqual(['5', '7'])
    expect(messaging.beforeChanges).toBeUndefined()
  })

  test('gets nothing that follows, though an earlier change of their memberships is not done', async () => {
    const { conversationId, topic, oldMember, newcomer } = newConversation()
    const another = newConversation()
    const membership = messaging.add(newcomer, conversationId)
    await using old = await connectClient(gateway, oldMember)
    await using leaving = await connectClient(gateway, newcomer)
    messaging.failingVersions = 1
    messaging.change(userTopic(newcomer), added(messaging.add(newcomer, another.conversationId)))
    const { version } = messaging.change(topic, { event: 'MemberLeft', argument: {} })
    messaging.change(userTopic(newcomer), removed({ ...membership, leftVersion: version }))
    messaging.change(topic, sent(5))
    await expect.poll(() => old.texts()).toEqual(['5'])
    expect(leaving.names()).toEqual(['ConversationAdded', 'MemberLeft', 'ConversationRemoved'])
  })
})
