import { randomUUID } from 'node:crypto'
import { notify, serve } from '@parley/bus'
import { connectHub } from '@parley/client'
import {
  conversationTopic,
  encodeDeliveryBatch,
  gateway as gatewayContract,
  messaging,
  userTopic,
  type DeliveryBatch,
  type ReplyOf,
  type RequestOf,
} from '@parley/contracts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'

type Recalled = ReplyOf<(typeof messaging)['calls']['listNotices']>
type ChangedSince = RequestOf<(typeof messaging)['calls']['listChangedTopics']>

let gateway: TestGateway
let standIn: TestMessaging
/** What changed lately, as `messaging` knows it, and how it was asked. */
let changedTopics: { topic: string; version: number }[] = []
const askedByTime: ChangedSince[] = []

beforeAll(async () => {
  gateway = await startTestGateway()
  standIn = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await serve(gateway.bus, messaging, {
    async listChangedTopics(request) {
      askedByTime.push(request)
      return { topics: changedTopics, next: null }
    },
  })
})
afterAll(() => gateway[Symbol.asyncDispose]())
beforeEach(() => {
  changedTopics = []
  askedByTime.length = 0
})

/** A member of a conversation, who hears its messages and receipts. */
async function connectMember() {
  const [userId, conversationId] = [randomUUID(), randomUUID()]
  standIn.add(userId, conversationId)
  const texts: string[] = []
  const receipts: number[] = []
  const added: string[] = []
  const hub = await connectHub({
    url: gateway.url,
    accessToken: gateway.issuer.tokenFor(userId),
    listen(starting) {
      starting.on('MessageCreated', ({ text }) => texts.push(text))
      starting.on('ReceiptsUpdated', (event) => receipts.push(...event.receipts.map((one) => one.readSequence)))
      starting.on('ConversationAdded', ({ id }) => added.push(id))
    },
  })
  const topic = conversationTopic(conversationId)
  return {
    userId,
    conversationId,
    topic,
    texts,
    receipts,
    added,
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  }
}

/** Says something in a conversation that no gateway hears of. */
const sayUnheard = (topic: string, text: string) =>
  standIn.change(topic, { event: 'MessageCreated', argument: { text } }, false)

/** One process of `messaging`, that numbers what it says; `recall` is what it answers when asked. */
async function startSender(recall?: (numbers: number[]) => Recalled) {
  const senderId = randomUUID()
  const asked: number[][] = []
  if (recall !== undefined) {
    await serve(
      gateway.bus,
      messaging,
      {
        async listNotices({ numbers }) {
          asked.push(numbers)
          return recall(numbers)
        },
      },
      { parameters: { senderId } },
    )
  }
  const send = (number: number, carried: Partial<Pick<DeliveryBatch, 'deliveries' | 'receipts'>> = {}) => {
    const bytes = encodeDeliveryBatch({ senderId, number, deliveries: [], receipts: [], ...carried })
    for (const gatewayId of gateway.gatewayIds()) {
      notify(gateway.bus, gatewayContract.notices.deliver, { gatewayId: String(gatewayId) }, bytes)
    }
  }
  return { senderId, asked, send }
}

const nothing: Recalled = { topics: [], receipts: [], forgotten: false }

test('a quiet conversation whose only message was lost on the way hears of it when its sender repeats the number', async () => {
  await using member = await connectMember()
  sayUnheard(member.topic, 'lost')
  const sender = await startSender(() => ({ ...nothing, topics: [{ topic: member.topic, version: 1 }] }))
  sender.send(1)
  await expect.poll(() => member.texts).toEqual(['lost'])
  expect(sender.asked).toEqual([[1]])
  expect(askedByTime).toEqual([])
})

test('a membership whose notice was lost begins all the same', async () => {
  await using member = await connectMember()
  const membership = standIn.add(member.userId, randomUUID())
  const { conversationId } = membership
  const topic = userTopic(member.userId)
  standIn.change(topic, { event: 'ConversationAdded', argument: { id: conversationId }, membership }, false)
  const sender = await startSender(() => ({ ...nothing, topics: [{ topic, version: 1 }] }))
  sender.send(1)
  await expect.poll(() => member.added).toEqual([conversationId])
  standIn.change(conversationTopic(conversationId), { event: 'MessageCreated', argument: { text: 'welcome' } })
  await expect.poll(() => member.texts).toEqual(['welcome'])
})

test('receipts that were lost are told again', async () => {
  await using member = await connectMember()
  const { topic, conversationId } = member
  const markedUpTo = (sequence: number) => ({
    topic,
    conversationId,
    receipts: [{ userId: randomUUID(), deliveredSequence: sequence, readSequence: sequence }],
    gatherMs: 0,
  })
  const lost = markedUpTo(3)
  const sender = await startSender(() => ({ ...nothing, receipts: [lost] }))
  sender.send(2, { receipts: [markedUpTo(5)] })
  await expect.poll(() => member.receipts).toEqual([5, 3])
  expect(sender.asked).toEqual([[1]])
})

test('numbers that only come late or twice are asked of nobody', async () => {
  const sender = await startSender(() => nothing)
  const carried = {
    receipts: [{ topic: userTopic(randomUUID()), conversationId: randomUUID(), receipts: [], gatherMs: 0 }],
  }
  for (const number of [1, 3, 2, 2, 5, 4, 1]) sender.send(number, carried)
  sender.send(5)
  // What is missing indeed is asked for, and that is all that is.
  sender.send(6)
  await expect.poll(() => sender.asked).toEqual([[6]])
})

test.each([
  ['is gone', undefined],
  ['has forgotten', () => ({ ...nothing, forgotten: true })],
])('when the sender of what was lost %s, what has changed lately is looked for', async (_, recall) => {
  await using member = await connectMember()
  sayUnheard(member.topic, 'lost')
  changedTopics = [
    { topic: conversationTopic(randomUUID()), version: 7 },
    { topic: member.topic, version: 1 },
  ]
  const sender = await startSender(recall)
  sender.send(1)
  await expect.poll(() => member.texts).toEqual(['lost'])
  // The slow round of comparisons may have been faster.
  await expect.poll(() => askedByTime.length).toBeGreaterThan(0)
})

test('when a sender falls silent, what it may have said at last is looked for', async () => {
  await using member = await connectMember()
  const sender = await startSender()
  sender.send(0)
  sayUnheard(member.topic, 'its last words')
  changedTopics = [{ topic: member.topic, version: 1 }]
  await expect.poll(() => member.texts).toEqual(['its last words'])
  await expect.poll(() => Math.max(...askedByTime.map(({ withinMs }) => withinMs))).toBeGreaterThan(3_000)
})

test('when NATS was away, what has changed meanwhile is looked for', async () => {
  await using member = await connectMember()
  await gateway.nats.kill()
  sayUnheard(member.topic, 'nobody could hear it')
  changedTopics = [{ topic: member.topic, version: 1 }]
  await gateway.nats.restart()
  await expect.poll(() => member.texts, { timeout: 20_000 }).toEqual(['nobody could hear it'])
}, 30_000)
