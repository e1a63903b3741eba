import { randomUUID } from 'node:crypto'
import { listen } from '@parley/bus'
import { Announcement, gateway as contract, type BlockChange } from '@parley/contracts'
import type { HubEvent } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connectClient, type TestClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'
import { startTestPresence, type TestPresence } from './test-presence.ts'

/** As soon as the issue wants it. */
const SOON = { timeout: 2_000, interval: 20 }

let gateway: TestGateway
let other: Awaited<ReturnType<TestGateway['another']>>
let messaging: TestMessaging
let presence: TestPresence
beforeAll(async () => {
  gateway = await startTestGateway()
  other = await gateway.another()
  const gatewayIds = new Set<number>()
  await listen(gateway.bus, contract.notices.announced, {}, (data) => {
    gatewayIds.add(Announcement.parse(JSON.parse(new TextDecoder().decode(data))).gatewayId)
  })
  await vi.waitUntil(() => gatewayIds.size === 2, { timeout: 10_000 })
  messaging = await startTestMessaging(gateway.bus, () => [...gatewayIds])
  presence = await startTestPresence(gateway.bus)
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

/** Users with a conversation, and the block of the second by the first: with `direct`, that is the conversation it is about. */
function newConversation({ size = 2, direct = false } = {}, standIn = messaging) {
  const conversationId = randomUUID()
  const users = Array.from({ length: size }, () => randomUUID())
  for (const userId of users) standIn.add(userId, conversationId)
  const [alice, bob, carol] = users as [string, string, string]
  const block: BlockChange = {
    userId: alice,
    blockedId: bob,
    conversationId: direct ? conversationId : randomUUID(),
  }
  return { conversationId, alice, bob, carol, block }
}

const connectElsewhere = (userId: string) => connectClient({ issuer: gateway.issuer, url: other.url }, userId)
const watch = (client: TestClient, userId: string) => client.hub.invoke('WatchPresence', { userIds: [userId] })

const typistsTold = ({ told }: TestClient) =>
  told
    .filter(({ name }) => name === 'Typing')
    .map(({ argument }) => {
      const { userId, active, count } = argument as HubEvent<'Typing'>
      return [userId, active, count] as const
    })

/** How a watched user was last seen. */
const seenBy = ({ told }: TestClient) =>
  told
    .filter(({ name }) => name === 'PresenceChanged')
    .flatMap(({ argument }) => Object.values(argument) as HubEvent<'PresenceChanged'>)
    .at(-1)?.status

/** Types until it is told here, so that all that was to be told elsewhere before is on its way as well. */
async function typeUntilTold(typist: TestClient, conversationId: string, hearer: TestClient) {
  const before = typistsTold(hearer).length
  await vi.waitUntil(async () => {
    await typist.hub.invoke('StartTyping', { conversationId })
    return typistsTold(hearer).length > before
  })
}

describe('who has blocked somebody, on any gateway', () => {
  test('is not told that they type in a group, while all others are', async () => {
    const { conversationId, alice, bob, carol, block } = newConversation({ size: 3 })
    await using here = await connectClient(gateway, alice)
    await using there = await connectElsewhere(alice)
    await using typist = await connectElsewhere(bob)
    await using third = await connectClient(gateway, carol)
    messaging.block(block)
    await vi.waitFor(async () => {
      await typeUntilTold(typist, conversationId, third)
      await typist.hub.invoke('StopTyping', { conversationId })
      const before = [here, there].map((client) => typistsTold(client).length)
      await typeUntilTold(typist, conversationId, third)
      await third.hub.invoke('GetPresence', { userIds: [alice] })
      expect([here, there].map((client) => typistsTold(client).length)).toEqual(before)
    })
    const before = typistsTold(here).length
    await third.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typistsTold(here).slice(before)).toEqual([[carol, true, 1]])
    await here.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typistsTold(typist).at(-1)).toEqual([alice, true, 2])

    messaging.unblock(block)
    await typist.hub.invoke('StopTyping', { conversationId })
    await expect
      .poll(
        async () => {
          await typist.hub.invoke('StartTyping', { conversationId })
          return typistsTold(there).some(([userId, , count]) => userId === bob && count === 2)
        },
        { timeout: 10_000 },
      )
      .toBe(true)
  })

  test('before they connect is not told either, also when whom they have blocked is read at the second attempt', async () => {
    const { conversationId, alice, bob, carol, block } = newConversation({ size: 3 })
    messaging.block(block, false)
    messaging.failingBlocks = 1
    await using blocker = await connectClient(gateway, alice)
    await using typist = await connectClient(gateway, bob)
    await using third = await connectClient(gateway, carol)
    await typeUntilTold(typist, conversationId, third)
    await third.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typistsTold(blocker)).toEqual([[carol, true, 1]])
    expect(messaging.failingBlocks).toBeLessThan(0)
  })

  test('while they connect is not told', async () => {
    const { conversationId, alice, bob, carol, block } = newConversation({ size: 3 })
    messaging.beforeVersions = () => messaging.block(block)
    await using blocker = await connectClient(gateway, alice)
    expect(messaging.beforeVersions).toBeUndefined()
    await using typist = await connectClient(gateway, bob)
    await using third = await connectClient(gateway, carol)
    await typeUntilTold(typist, conversationId, third)
    await third.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typistsTold(blocker)).toEqual([[carol, true, 1]])
  })
})

test('in a direct conversation of two of whom one has blocked the other, neither is seen typing; who was, is no more', async () => {
  const { conversationId, alice, bob, block } = newConversation({ direct: true })
  await using first = await connectClient(gateway, alice)
  await using second = await connectElsewhere(bob)
  await typeUntilTold(first, conversationId, second)
  messaging.block(block)
  await expect
    .poll(() => typistsTold(second), SOON)
    .toEqual([
      [alice, true, 1],
      [alice, false, 0],
    ])
  for (let count = 0; count < 3; count += 1) {
    for (const client of [first, second]) {
      expect(await client.hub.invoke('StartTyping', { conversationId })).toEqual({})
      expect(await client.hub.invoke('StopTyping', { conversationId })).toEqual({})
    }
  }
  messaging.unblock(block)
  await vi.waitUntil(
    async () => {
      await second.hub.invoke('StartTyping', { conversationId })
      return typistsTold(first).length > 0
    },
    { timeout: 10_000, interval: 100 },
  )
  expect(typistsTold(first)).toEqual([[bob, true, 1]])
  expect(typistsTold(second)).toHaveLength(2)
})

describe('two of whom one has blocked the other', () => {
  test('do not see each other from then on, on any gateway, until it ends', async () => {
    const { alice, bob, carol, block } = newConversation({ size: 3 })
    await using first = await connectClient(gateway, alice)
    await using second = await connectElsewhere(bob)
    await using third = await connectElsewhere(carol)
    for (const user of [alice, bob]) await presence.change(user, { status: 'online' })
    expect((await watch(first, bob)).states).toMatchObject([{ status: 'online' }])
    expect((await watch(second, alice)).states).toMatchObject([{ status: 'online' }])
    await watch(third, bob)

    messaging.block(block)
    await expect.poll(() => [seenBy(first), seenBy(second)], SOON).toEqual(['unknown', 'unknown'])
    for (const user of [alice, bob]) await presence.change(user, { status: 'busy' })
    await expect.poll(() => seenBy(third)).toBe('busy')
    const asked = await first.hub.invoke('GetPresence', { userIds: [bob] })
    expect(asked.states).toEqual([{ userId: bob, status: 'unknown', text: null, lastSeenAt: null }])
    expect([seenBy(first), seenBy(second)]).toEqual(['unknown', 'unknown'])

    messaging.unblock(block)
    await expect.poll(() => [seenBy(first), seenBy(second)], SOON).toEqual(['busy', 'busy'])
  })

  test('are strangers soon after a notice of it was lost with NATS', async () => {
    await using own = await startTestGateway()
    await using standIn = await startTestMessaging(own.bus, own.gatewayIds)
    await using states = await startTestPresence(own.bus)
    const { conversationId, alice, bob, carol, block } = newConversation({ size: 3 }, standIn)
    await using blocker = await connectClient(own, alice)
    await using typist = await connectClient(own, bob)
    await using third = await connectClient(own, carol)
    await states.change(bob, { status: 'online' })
    await watch(blocker, bob)
    await own.nats.kill()
    standIn.block(block, false)
    await own.nats.restart()
    await expect.poll(() => seenBy(blocker), { timeout: 15_000 }).toBe('unknown')
    await typeUntilTold(typist, conversationId, third)
    await third.hub.invoke('StartTyping', { conversationId })
    await expect.poll(() => typistsTold(blocker)).toEqual([[carol, true, 1]])
  })
})

test('who connects again is told of those whom they have unblocked meanwhile, though the notice of it was lost', async () => {
  const { conversationId, alice, bob, carol, block } = newConversation({ size: 3 })
  messaging.block(block)
  {
    await using _ = await connectClient(gateway, alice)
  }
  messaging.unblock(block, false)
  await using typist = await connectClient(gateway, bob)
  await using third = await connectClient(gateway, carol)
  await using again = await connectClient(gateway, alice)
  await typeUntilTold(typist, conversationId, third)
  await expect.poll(() => typistsTold(again)).toEqual([[bob, true, 1]])
})
