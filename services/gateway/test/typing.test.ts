import { randomUUID } from 'node:crypto'
import { listen } from '@parley/bus'
import { Announcement, conversationTopic, gateway as contract, refuse, userTopic } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { connectClient, type TestClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'

const MESSAGE_ID = '01890000-0000-7000-8000-000000000000'

let gateway: TestGateway
let other: Awaited<ReturnType<TestGateway['another']>>
let messaging: TestMessaging

beforeAll(async () => {
  gateway = await startTestGateway()
  other = await gateway.another()
  const gatewayIds = new Set<number>()
  await listen(gateway.bus, contract.notices.announced, {}, (data) => {
    gatewayIds.add(Announcement.parse(JSON.parse(new TextDecoder().decode(data))).gatewayId)
  })
  await vi.waitUntil(() => gatewayIds.size === 2, { timeout: 10_000 })
  messaging = await startTestMessaging(gateway.bus, () => [...gatewayIds])
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})
afterEach(() => void (messaging.beforeTyping = undefined))

/** A conversation of so many. */
function newConversation(size = 2) {
  const conversationId = randomUUID()
  const users = Array.from({ length: size }, () => randomUUID())
  for (const userId of users) messaging.add(userId, conversationId)
  return { conversationId, users, alice: users[0]!, bob: users[1]! }
}

const connectElsewhere = (userId: string) => connectClient({ issuer: gateway.issuer, url: other.url }, userId)

/** What was told of who types: the user, whether they type, and how many do. */
const typingOf = ({ told }: TestClient) =>
  told
    .filter(({ name }) => name === 'Typing')
    .map(({ argument }) => {
      const { userId, active, count } = argument as HubEvent<'Typing'>
      return [userId, active, count] as const
    })

describe('who types', () => {
  test('is told to the others on all gateways at once, and not to themselves', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using phone = await connectClient(gateway, alice)
    await using laptop = await connectElsewhere(alice)
    await using here = await connectClient(gateway, bob)
    await using there = await connectElsewhere(bob)
    const from = Date.now()
    expect(await phone.hub.invoke('StartTyping', { conversationId })).toEqual({})
    await expect.poll(() => [typingOf(here), typingOf(there)]).toEqual([[[alice, true, 1]], [[alice, true, 1]]])
    const { expiresAt } = here.told[0]!.argument as HubEvent<'Typing'>
    expect(Date.parse(expiresAt) - from).toBeGreaterThanOrEqual(6_900)
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(7_000)
    await phone.hub.invoke('StopTyping', { conversationId })
    await expect
      .poll(() => typingOf(there))
      .toEqual([
        [alice, true, 1],
        [alice, false, 0],
      ])
    expect([typingOf(phone), typingOf(laptop)]).toEqual([[], []])
  })

  test('is asked of messaging once, and told once, however often it is said', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using typist = await connectClient(gateway, alice)
    await using reader = await connectClient(gateway, bob)
    for (let count = 0; count < 20; count++) await typist.hub.invoke('StartTyping', { conversationId })
    await typist.hub.invoke('StopTyping', { conversationId })
    await expect
      .poll(() => typingOf(reader))
      .toEqual([
        [alice, true, 1],
        [alice, false, 0],
      ])
    expect(messaging.typists.filter((userId) => userId === alice)).toHaveLength(1)
  })

  test('is told again after three seconds, and counted no more after seven in which it was not said', async () => {
    const { conversationId, users } = newConversation(3)
    const [alice, bob, carol] = users as [string, string, string]
    await using first = await connectClient(gateway, alice)
    await using second = await connectElsewhere(carol)
    await using reader = await connectClient(gateway, bob)
    await first.hub.invoke('StartTyping', { conversationId })
    const told = async () => {
      await first.hub.invoke('StartTyping', { conversationId })
      return typingOf(reader).length
    }
    await expect.poll(told, { timeout: 5_000, interval: 200 }).toBe(2)
    const [one, two] = reader.told.map(({ argument }) => Date.parse((argument as HubEvent<'Typing'>).expiresAt))
    expect(two! - one!).toBeGreaterThanOrEqual(2_950)
    await expect.poll(() => Date.now() > two! + 100, { timeout: 10_000 }).toBe(true)
    await second.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader).at(-1)).toEqual([carol, true, 1])
  })

  test('is over when they send, here or by REST through another gateway', async () => {
    const { conversationId, alice, bob } = newConversation()
    const another = newConversation()
    messaging.add(alice, another.conversationId)
    messaging.add(bob, another.conversationId)
    await using typist = await connectClient(gateway, alice)
    await using reader = await connectElsewhere(bob)
    await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader)).toHaveLength(1)
    await typist.hub.invoke('SendMessage', { conversationId, id: MESSAGE_ID, text: 'said' })
    await expect
      .poll(() => typingOf(reader))
      .toEqual([
        [alice, true, 1],
        [alice, false, 0],
      ])
    await typist.hub.invoke('StartTyping', { conversationId: another.conversationId })
    await expect.poll(() => typingOf(reader)).toHaveLength(3)
    const sent = await fetch(`${other.url}/api/v1/conversations/${another.conversationId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.issuer.tokenFor(alice)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: MESSAGE_ID, text: 'said' }),
    })
    expect(sent.ok).toBe(true)
    await expect
      .poll(() => typingOf(reader).slice(2))
      .toEqual([
        [alice, true, 1],
        [alice, false, 0],
      ])
  })

  test('is over with the last connection on which they typed', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using reader = await connectElsewhere(bob)
    await using phone = await connectClient(gateway, alice)
    {
      await using laptop = await connectClient(gateway, alice)
      await phone.hub.invoke('StartTyping', { conversationId })
      await laptop.hub.invoke('StartTyping', { conversationId })
      await expect.poll(() => typingOf(reader)).toEqual([[alice, true, 1]])
    }
    await phone.hub.connection.stop()
    await expect
      .poll(() => typingOf(reader))
      .toEqual([
        [alice, true, 1],
        [alice, false, 0],
      ])
  })

  test('is counted instead of named when they are more than five, on whichever gateways, and named again when five', async () => {
    const { conversationId, users } = newConversation(7)
    const [bob, ...typing] = users as [string, ...string[]]
    await using reader = await connectClient(gateway, bob)
    await using stack = new AsyncDisposableStack()
    const typists: TestClient[] = []
    for (const [index, userId] of typing.entries()) {
      typists.push(stack.use(index % 2 === 0 ? await connectClient(gateway, userId) : await connectElsewhere(userId)))
    }
    for (const typist of typists) await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader).at(-1)).toEqual([null, true, 6])
    await expect.poll(() => typingOf(typists[5]!).at(-1)).toEqual([null, true, 5])
    await typists[0]!.hub.invoke('StopTyping', { conversationId })
    const named = () => typingOf(reader).slice(-6)
    const five = typing.slice(1).map((userId) => [userId, true, 5] as const)
    await expect.poll(() => new Set(named()), { timeout: 3_000 }).toEqual(new Set([[null, false, 0], ...five]))
    expect(named()[0]).toEqual([null, false, 0])
  })
})

describe('typing', () => {
  test('is refused as messaging refuses it, and told to nobody', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using typist = await connectClient(gateway, alice)
    await using reader = await connectClient(gateway, bob)
    for (const code of ['typing_not_offered', 'forbidden', 'conversation_archived'] as const) {
      messaging.beforeTyping = () => {
        throw refuse[code]()
      }
      await expect(typist.hub.invoke('StartTyping', { conversationId })).rejects.toMatchObject({ code })
    }
    messaging.beforeTyping = undefined
    await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader)).toEqual([[alice, true, 1]])
  })

  test('is for members alone: a stranger sees nothing of it, nor whether the conversation is there', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using typist = await connectClient(gateway, alice)
    await using reader = await connectClient(gateway, bob)
    await using stranger = await connectClient(gateway, randomUUID())
    for (const id of [conversationId, randomUUID()]) {
      for (const name of ['StartTyping', 'StopTyping'] as const) {
        await expect(stranger.hub.invoke(name, { conversationId: id })).rejects.toMatchObject({ code: 'not_a_member' })
      }
    }
    await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader)).toEqual([[alice, true, 1]])
    expect(typingOf(stranger)).toEqual([])
  })

  test('is refused at once to who was removed, who hears nothing of it either', async () => {
    const { conversationId, alice, bob } = newConversation()
    await using typist = await connectClient(gateway, alice)
    await using reader = await connectClient(gateway, bob)
    await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader)).toHaveLength(1)
    messaging.remove(alice, conversationId)
    messaging.change(conversationTopic(conversationId), { event: 'MemberLeft', argument: {}, left: alice })
    await expect.poll(() => typist.names()).toContain('MemberLeft')
    const refused = { code: 'not_a_member' }
    await expect(typist.hub.invoke('StartTyping', { conversationId })).rejects.toMatchObject(refused)
    await expect(typist.hub.invoke('StopTyping', { conversationId })).rejects.toMatchObject(refused)
    await reader.hub.invoke('StartTyping', { conversationId })
    await reader.hub.invoke('StopTyping', { conversationId })
    expect(typingOf(typist)).toEqual([])
  })

  test('is not refused to a member whose membership this gateway does not know of yet', async () => {
    const { conversationId, bob } = newConversation()
    const carol = randomUUID()
    await using typist = await connectClient(gateway, carol)
    await using reader = await connectClient(gateway, bob)
    const membership = messaging.add(carol, conversationId)
    await typist.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typingOf(reader)).toEqual([[carol, true, 1]])
    messaging.change(userTopic(carol), { event: 'ConversationAdded', argument: {}, membership })
    await expect.poll(() => typist.names()).toEqual(['ConversationAdded'])
  })

  test('is told here while NATS is away, and everywhere when it is back', async () => {
    await using own = await startTestGateway()
    await using second = await own.another()
    await using standIn = await startTestMessaging(own.bus, own.gatewayIds)
    const [alice, bob] = [randomUUID(), randomUUID()]
    const [first, later] = [randomUUID(), randomUUID()]
    for (const conversationId of [first, later]) {
      for (const userId of [alice, bob]) standIn.add(userId, conversationId)
    }
    await using typist = await connectClient(own, alice)
    await using here = await connectClient(own, bob)
    await using there = await connectClient({ issuer: own.issuer, url: second.url }, bob)
    await typist.hub.invoke('StartTyping', { conversationId: first })
    await expect.poll(() => [typingOf(here), typingOf(there)]).toEqual([[[alice, true, 1]], [[alice, true, 1]]])
    await own.nats.kill()
    await typist.hub.invoke('StopTyping', { conversationId: first })
    await expect.poll(() => typingOf(here)).toHaveLength(2)
    await own.nats.restart()
    const isToldThere = async () => {
      await typist.hub.invoke('StartTyping', { conversationId: later }).catch(() => undefined)
      return there.told.some(({ argument }) => argument['conversationId'] === later && argument['userId'] === alice)
    }
    await expect.poll(isToldThere, { timeout: 15_000, interval: 250 }).toBe(true)
  })
})
