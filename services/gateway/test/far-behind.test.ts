import { randomUUID } from 'node:crypto'
import { conversationTopic, userTopic, type TopicChange } from '@parley/contracts'
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

const message = (text: string): Omit<TopicChange, 'version'> => ({ event: 'MessageCreated', argument: { text } })

function newConversation() {
  const conversationId = randomUUID()
  const userId = randomUUID()
  return { conversationId, userId, topic: conversationTopic(conversationId) }
}

/** Changes a topic so often, and tells only of the last. */
function changeMuch(topic: string, count: number): void {
  for (let number = 1; number < count; number += 1) messaging.change(topic, message('lost'), false)
  messaging.change(topic, message('heard'))
}

describe('a connection whose conversation is', () => {
  test('2,000 changes ahead gets them all', async () => {
    const { conversationId, userId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using client = await connectClient(gateway, userId)
    changeMuch(topic, 2_000)
    await expect.poll(() => client.texts(), { timeout: 10_000 }).toHaveLength(2_000)
    expect(new Set(client.names())).toEqual(new Set(['MessageCreated']))
  })

  test('more than 2,000 changes ahead is told once to sync instead, and gets what follows', async () => {
    const { conversationId, userId, topic } = newConversation()
    messaging.add(userId, conversationId)
    await using client = await connectClient(gateway, userId)
    changeMuch(topic, 2_001)
    await expect.poll(() => client.names(), { timeout: 10_000 }).toEqual(['SyncRequired'])
    messaging.change(topic, message('after'))
    await expect.poll(() => client.texts()).toEqual(['after'])
    expect(client.told[0]?.argument).toEqual({ reason: 'too_many_changes', conversationIds: [conversationId] })
    expect(client.names()).toEqual(['SyncRequired', 'MessageCreated'])
  })

  test('that far ahead since the user was added, is told to sync when the user hears of it', async () => {
    const { conversationId, userId, topic } = newConversation()
    await using client = await connectClient(gateway, userId)
    const membership = messaging.add(userId, conversationId)
    changeMuch(topic, 3_000)
    messaging.change(userTopic(userId), { event: 'ConversationAdded', argument: {}, membership })
    await expect.poll(() => client.names(), { timeout: 10_000 }).toEqual(['ConversationAdded', 'SyncRequired'])
    messaging.change(topic, message('after'))
    await expect.poll(() => client.texts()).toEqual(['after'])
  })
})

test('who was removed among too many changes gets nothing that follows', async () => {
  const { conversationId, userId, topic } = newConversation()
  const other = randomUUID()
  messaging.add(userId, conversationId)
  messaging.add(other, conversationId)
  await using leaving = await connectClient(gateway, userId)
  await using staying = await connectClient(gateway, other)
  messaging.change(topic, { event: 'MemberLeft', argument: {}, left: userId }, false)
  changeMuch(topic, 2_500)
  await expect.poll(() => staying.names(), { timeout: 10_000 }).toEqual(['SyncRequired'])
  messaging.change(topic, message('after'))
  await expect.poll(() => staying.texts()).toEqual(['after'])
  expect(leaving.told).toEqual([])
})
