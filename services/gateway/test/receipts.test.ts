import { randomUUID } from 'node:crypto'
import { conversationTopic, refuse, userTopic } from '@parley/contracts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectClient, type TestClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'

let gateway: TestGateway
let messaging: TestMessaging

beforeAll(async () => {
  gateway = await startTestGateway()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
})
afterAll(() => gateway[Symbol.asyncDispose]())

const kept = () => ({ gatherReadMs: 0, gatherDeliveredMs: 1_000 })
afterEach(() => {
  messaging.answerMark = kept
})

function newMember() {
  const userId = randomUUID()
  const conversationId = randomUUID()
  messaging.add(userId, conversationId)
  return { userId, conversationId, topic: conversationTopic(conversationId) }
}

/** What `messaging` was told of a user, as delivered and read. */
const marksOf = (userId: string) =>
  messaging.markCalls
    .flat()
    .filter(({ actor }) => actor.userId === userId)
    .map(({ deliveredSequence, readSequence }) => [deliveredSequence, readSequence])

const markByRest = (userId: string, conversationId: string, body: object) =>
  fetch(`${gateway.url}/api/v1/conversations/${conversationId}/receipts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.issuer.tokenFor(userId)}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

describe('marks on the hub', () => {
  test('of what is read reach messaging, with the connection that has read it', async () => {
    const { userId, conversationId } = newMember()
    await using client = await connectClient(gateway, userId)
    expect(await client.hub.invoke('MarkRead', { conversationId, sequence: 7 })).toEqual({})
    await expect.poll(() => marksOf(userId)).toEqual([[0, 7]])
    const mark = messaging.markCalls.flat().find(({ actor }) => actor.userId === userId)
    expect(mark).toMatchObject({ conversationId, connectionId: expect.any(String) as string })
  })

  test('of what is delivered are left out when it is read', async () => {
    const { userId, conversationId } = newMember()
    await using client = await connectClient(gateway, userId)
    await client.hub.invoke('MarkDelivered', { conversationId, sequence: 7 })
    await client.hub.invoke('MarkRead', { conversationId, sequence: 7 })
    await client.hub.invoke('MarkDelivered', { conversationId, sequence: 8 })
    await expect
      .poll(() => marksOf(userId), { timeout: 3_000 })
      .toEqual([
        [0, 7],
        [8, 0],
      ])
  })

  test('in many conversations travel together', async () => {
    const { userId } = newMember()
    const conversationIds = Array.from({ length: 30 }, () => randomUUID())
    for (const conversationId of conversationIds) messaging.add(userId, conversationId)
    await using client = await connectClient(gateway, userId)
    for (const conversationId of conversationIds) {
      await client.hub.invoke('MarkDelivered', { conversationId, sequence: 3 })
    }
    await expect.poll(() => marksOf(userId), { timeout: 3_000 }).toHaveLength(30)
    const calls = messaging.markCalls.filter((marks) => marks.some(({ actor }) => actor.userId === userId))
    expect(calls.length).toBeLessThanOrEqual(10)
  })

  test('are kept when messaging crashes between, and the client is not told of it', async () => {
    const { userId, conversationId } = newMember()
    await using client = await connectClient(gateway, userId)
    messaging.answerMark = () => {
      throw new Error('as the test wants')
    }
    expect(await client.hub.invoke('MarkRead', { conversationId, sequence: 4 })).toEqual({})
    await expect.poll(() => marksOf(userId)).toEqual([[0, 4]])
    await client.hub.invoke('MarkRead', { conversationId, sequence: 5 })
    messaging.answerMark = kept
    await expect.poll(() => marksOf(userId).at(-1), { timeout: 5_000 }).toEqual([0, 5])
  })

  test('of who is no member are refused', async () => {
    const { userId } = newMember()
    await using client = await connectClient(gateway, userId)
    messaging.answerMark = () => ({ refusal: refuse.not_a_member().refusal })
    for (const operation of ['MarkRead', 'MarkDelivered'] as const) {
      const marking = client.hub.invoke(operation, { conversationId: randomUUID(), sequence: 4 })
      await expect(marking).rejects.toMatchObject({ code: 'not_a_member' })
    }
  })

  test('that are held are passed on when their connection ends', async () => {
    const { userId, conversationId } = newMember()
    messaging.answerMark = () => ({ gatherReadMs: 60_000, gatherDeliveredMs: 60_000 })
    await using client = await connectClient(gateway, userId)
    // Its answer says how long the next may be held.
    await markByRest(userId, conversationId, { readSequence: 1 })
    await client.hub.invoke('MarkRead', { conversationId, sequence: 2 })
    await client.hub.invoke('MarkDelivered', { conversationId, sequence: 3 })
    expect(marksOf(userId)).toHaveLength(1)
    await client.hub.connection.stop()
    await expect
      .poll(() => marksOf(userId))
      .toEqual([
        [0, 1],
        [3, 2],
      ])
  })
})

describe('marks by REST', () => {
  test('are kept when they are answered', async () => {
    const { userId, conversationId } = newMember()
    const response = await markByRest(userId, conversationId, { deliveredSequence: 5, readSequence: 3 })
    expect([response.status, await response.json()]).toEqual([200, {}])
    expect(marksOf(userId)).toEqual([[5, 3]])
  })

  test('are refused, or said not to be known, as messaging answers', async () => {
    const { userId, conversationId } = newMember()
    messaging.answerMark = () => ({ refusal: refuse.not_a_member().refusal })
    expect((await markByRest(userId, conversationId, { readSequence: 3 })).status).toBe(404)
    messaging.answerMark = () => {
      throw refuse.overloaded({ retryAfterMs: 1_000 })
    }
    expect((await markByRest(userId, conversationId, { readSequence: 3 })).status).toBe(503)
  })
})

describe('receipts', () => {
  const told = (client: TestClient) =>
    client.told.filter(({ name }) => name === 'ReceiptsUpdated').map(({ argument }) => argument)
  const receipt = (deliveredSequence: number, readSequence: number, userId = randomUUID()) => ({
    userId,
    deliveredSequence,
    readSequence,
  })

  test('of a group are gathered and told in one event, with the highest of each member', async () => {
    const { userId, conversationId, topic } = newMember()
    await using client = await connectClient(gateway, userId)
    const [one, other] = [randomUUID(), randomUUID()]
    const tell = (...receipts: ReturnType<typeof receipt>[]) =>
      messaging.tellReceipts({ topic, conversationId, gatherMs: 400, receipts })
    tell(receipt(1, 0, one))
    tell(receipt(3, 2, one), receipt(5, 5, other))
    tell(receipt(2, 1, one))
    await expect.poll(() => told(client)).toHaveLength(1)
    expect(told(client)).toEqual([{ conversationId, receipts: [receipt(3, 2, one), receipt(5, 5, other)] }])
  })

  test('of a direct conversation are told at once', async () => {
    const { userId, conversationId, topic } = newMember()
    await using client = await connectClient(gateway, userId)
    const member = randomUUID()
    const first = [receipt(2, 1, member)]
    const second = [receipt(3, 1, member)]
    messaging.tellReceipts({ topic, conversationId, gatherMs: 0, receipts: first })
    messaging.tellReceipts({ topic, conversationId, gatherMs: 0, receipts: second })
    const expected = [first, second].map((receipts) => ({ conversationId, receipts }))
    await expect.poll(() => told(client)).toEqual(expected)
  })

  test("of a user are told to the user's other devices, and not to the one that has read", async () => {
    const { userId, conversationId } = newMember()
    await using phone = await connectClient(gateway, userId)
    await using laptop = await connectClient(gateway, userId)
    await phone.hub.invoke('MarkRead', { conversationId, sequence: 6 })
    await expect.poll(() => marksOf(userId)).toHaveLength(1)
    const { connectionId } = messaging.markCalls.flat().find(({ actor }) => actor.userId === userId)!
    const receipts = [receipt(6, 6, userId)]
    const topic = userTopic(userId)
    messaging.tellReceipts({ topic, conversationId, gatherMs: 0, receipts, exceptConnectionId: connectionId })
    await expect.poll(() => told(laptop)).toEqual([{ conversationId, receipts }])
    messaging.change(topic, { event: 'ConversationRemoved', argument: {} })
    await expect.poll(() => phone.names()).toEqual(['ConversationRemoved'])
  })
})

// Last: the notices that tests send go to the gateway that was heard of last.
test('marks that are held are passed on when the gateway stops', async () => {
  const { userId, conversationId } = newMember()
  const other = await gateway.another()
  await using client = await connectClient({ ...gateway, url: other.url }, userId)
  await client.hub.invoke('MarkDelivered', { conversationId, sequence: 9 })
  expect(marksOf(userId)).toEqual([])
  await other[Symbol.asyncDispose]()
  expect(marksOf(userId)).toEqual([[9, 0]])
})
