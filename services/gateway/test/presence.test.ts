import { randomUUID } from 'node:crypto'
import { userTopic } from '@parley/contracts'
import { limits, type HubEvent, type PresenceState } from '@parley/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectClient, type TestClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'
import { startTestPresence, type TestPresence } from './test-presence.ts'

let gateway: TestGateway
let messaging: TestMessaging
let presence: TestPresence
beforeAll(async () => {
  gateway = await startTestGateway()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  presence = await startTestPresence(gateway.bus)
})
afterAll(() => gateway[Symbol.asyncDispose]())

/** Users who share a conversation. */
function newcomers(count = 2): [string, string, ...string[]] {
  const users = Array.from({ length: count }, () => randomUUID())
  const conversationId = randomUUID()
  for (const userId of users) messaging.add(userId, conversationId)
  return users as [string, string, ...string[]]
}

interface Viewer extends TestClient {
  /** What it was told, each time, as users and statuses. */
  readonly batches: { readonly at: number; readonly states: PresenceState[] }[]
  watch(...userIds: string[]): Promise<PresenceState[]>
  statuses(): string[]
}

async function connect(userId: string): Promise<Viewer> {
  const client = await connectClient(gateway, userId)
  const batches: Viewer['batches'] = []
  client.hub.on(
    'PresenceChanged',
    (states: HubEvent<'PresenceChanged'>) => void batches.push({ at: performance.now(), states }),
  )
  return {
    ...client,
    batches,
    watch: async (...userIds) => (await client.hub.invoke('WatchPresence', { userIds })).states,
    statuses: () => batches.flatMap(({ states }) => states.map(({ status }) => status)),
  }
}

const statusesOf = (states: readonly PresenceState[]) => states.map(({ status }) => status)

describe('watching', () => {
  test('is answered with how the users are, in their order, and then told what changes, and nothing that is older', async () => {
    const [alice, bob, carol] = newcomers(3)
    await presence.change(bob, { status: 'online', text: 'Hi' })
    await using viewer = await connect(alice)
    expect(await viewer.watch(carol!, bob)).toEqual([
      { userId: carol, status: 'unknown', text: null, lastSeenAt: null },
      { userId: bob, status: 'online', text: 'Hi', lastSeenAt: null },
    ])
    const before = presence.stateOf(bob)
    await presence.change(bob, { status: 'busy' })
    await expect.poll(() => viewer.statuses()).toEqual(['busy'])
    await presence.repeat(before)
    await presence.change(bob, { status: 'away' })
    await expect.poll(() => viewer.statuses()).toEqual(['busy', 'away'])
  })

  test('tells at most once a second, and then the newest of each', async () => {
    const [alice, bob, carol] = newcomers(3)
    await using viewer = await connect(alice)
    await viewer.watch(bob, carol!)
    for (let round = 0; round < 20; round += 1) {
      await presence.change(bob, { status: round % 2 === 0 ? 'online' : 'busy' })
      await presence.change(carol!, { status: 'online', text: `${round}` })
    }
    await expect.poll(() => viewer.batches.length).toBe(2)
    const [first, second] = viewer.batches
    expect(statusesOf(first!.states)).toEqual(['online'])
    expect(second!.at - first!.at).toBeGreaterThan(950)
    const told = Object.fromEntries(second!.states.map((state) => [state.userId, state]))
    expect(told).toMatchObject({ [carol!]: { text: '19' }, [bob]: { status: 'busy' } })
  })

  test('tells nothing to those who did not ask, or ask no more, and nothing twice', async () => {
    const [alice, bob, carol] = newcomers(3)
    await using viewer = await connect(alice)
    await using other = await connect(bob)
    await viewer.watch(bob, carol!)
    await viewer.hub.invoke('UnwatchPresence', { userIds: [bob] })
    await presence.change(bob, { status: 'online' })
    await presence.change(carol!, { status: 'online' })
    await expect.poll(() => viewer.batches.flatMap(({ states }) => states)).toMatchObject([{ userId: carol }])
    await presence.change(carol!, { status: 'online' })
    await presence.change(carol!, { status: 'away' })
    await expect.poll(() => viewer.statuses()).toEqual(['online', 'away'])
    expect(other.batches).toEqual([])
  })

  test('loses nothing that changes while it is asked', async () => {
    const [alice, bob] = newcomers()
    await using viewer = await connect(alice)
    presence.beforeAnswer = () => presence.change(bob, { status: 'busy' })
    const [answered] = await viewer.watch(bob)
    const seen = () => [answered!.status, ...viewer.statuses()].at(-1)
    await expect.poll(seen).toBe('busy')
  })

  test('is of five hundred users at most', async () => {
    const [alice, bob] = newcomers()
    const strangers = Array.from({ length: limits.watchedUsers - 1 }, () => randomUUID())
    await using viewer = await connect(alice)
    await viewer.watch(...strangers)
    await viewer.watch(bob)
    await viewer.watch(...strangers.slice(0, 10))
    await expect(viewer.watch(randomUUID())).rejects.toMatchObject({ code: 'too_many_watched' })
    await viewer.hub.invoke('UnwatchPresence', { userIds: strangers.slice(0, 1) })
    await viewer.watch(randomUUID())
    await presence.change(bob, { status: 'online' })
    await expect.poll(() => viewer.statuses()).toEqual(['online'])
  })
})

describe('what may be seen', () => {
  test('of strangers, and of those who do not show themselves, is nothing, live or asked', async () => {
    const [alice, bob] = newcomers()
    const stranger = randomUUID()
    await using viewer = await connect(alice)
    await presence.change(stranger, { status: 'online' })
    await presence.change(bob, { status: 'online', visibleTo: 'nobody', text: 'secret' })
    const nothing = { status: 'unknown', text: null, lastSeenAt: null }
    const expected = [
      { userId: stranger, ...nothing },
      { userId: bob, ...nothing },
    ]
    expect(await viewer.watch(stranger, bob)).toEqual(expected)
    expect((await viewer.hub.invoke('GetPresence', { userIds: [stranger, bob] })).states).toEqual(expected)
    await presence.change(stranger, { status: 'away' })
    await presence.change(bob, { status: 'away' })
    await presence.change(bob, { visibleTo: 'contacts' })
    await presence.change(bob, { visibleTo: 'everyone' })
    await expect.poll(() => viewer.statuses()).toEqual(['away'])
  })

  test('of contacts is what they show to contacts', async () => {
    const [alice, bob, carol] = newcomers(3)
    messaging.contacts.push([alice, bob])
    await presence.change(bob, { status: 'busy', visibleTo: 'contacts' })
    await using contact = await connect(alice)
    await using other = await connect(carol!)
    expect(statusesOf(await contact.watch(bob))).toEqual(['busy'])
    expect(statusesOf(await other.watch(bob))).toEqual(['unknown'])
  })

  test('of the own user is all, and an invisible one is offline to others', async () => {
    const [alice, bob] = newcomers()
    await using self = await connect(bob)
    await using viewer = await connect(alice)
    expect(statusesOf(await self.watch(bob))).toEqual(['unknown'])
    await viewer.watch(bob)
    await presence.change(bob, { status: 'online' })
    await presence.change(bob, { status: 'invisible' })
    await expect.poll(() => [self.statuses().at(-1), viewer.statuses().at(-1)]).toEqual(['invisible', 'offline'])
  })

  test('of the time last seen is mutual, also when the viewer changes their mind', async () => {
    const [alice, bob] = newcomers()
    const lastSeenAt = '2026-01-01T00:00:00.000Z'
    await presence.change(bob, { status: 'offline', lastSeenAt })
    await presence.change(alice, { status: 'online', visibleTo: 'nobody' })
    await using viewer = await connect(alice)
    expect(await viewer.watch(bob)).toMatchObject([{ status: 'offline', lastSeenAt: null }])
    await presence.change(alice, { visibleTo: 'everyone' })
    await expect.poll(() => viewer.batches.at(-1)?.states).toMatchObject([{ userId: bob, lastSeenAt }])
  })

  test('ends and begins with what users share', async () => {
    const alice = randomUUID()
    const bob = randomUUID()
    await using viewer = await connect(alice)
    await presence.change(bob, { status: 'online' })
    expect(statusesOf(await viewer.watch(bob))).toEqual(['unknown'])
    const conversationId = randomUUID()
    messaging.add(bob, conversationId)
    const membership = messaging.add(alice, conversationId)
    messaging.change(userTopic(alice), { event: 'ConversationAdded', argument: { id: conversationId }, membership })
    await expect.poll(() => viewer.statuses()).toEqual(['online'])
    messaging.remove(bob, conversationId)
    messaging.change(`c:${conversationId}`, { event: 'MemberLeft', argument: {}, left: bob })
    await expect.poll(() => viewer.statuses()).toEqual(['online', 'unknown'])
    messaging.add(bob, conversationId)
    messaging.change(`c:${conversationId}`, { event: 'MemberJoined', argument: { member: { userId: bob } } })
    await expect.poll(() => viewer.statuses()).toEqual(['online', 'unknown', 'online'])
  })
})

describe('what was not heard', () => {
  test('is missed by the next number, and by the beat when there is none', async () => {
    const [alice, bob, carol] = newcomers(3)
    await using viewer = await connect(alice)
    await viewer.watch(bob, carol!)
    presence.lose(bob, { status: 'busy' })
    await presence.change(carol!, { status: 'online' })
    const seen = () =>
      new Set(viewer.batches.flatMap(({ states }) => states.map(({ userId, status }) => `${userId} ${status}`)))
    await expect.poll(seen).toEqual(new Set([`${bob} busy`, `${carol} online`]))
    presence.lose(bob, { status: 'away' })
    await presence.beat()
    await expect.poll(seen).toContain(`${bob} away`)
  })

  test('while presence could not tell of all is read again when it can', async () => {
    const [alice, bob] = newcomers()
    await using viewer = await connect(alice)
    await presence.change(bob, { status: 'online' })
    await viewer.watch(bob)
    presence.whole = false
    await presence.beat()
    presence.lose(bob, { status: 'offline' })
    presence.whole = true
    await presence.beat()
    await expect.poll(() => viewer.statuses()).toEqual(['offline'])
  })

  test('of a user of whom nothing could be told is asked again soon', async () => {
    const [alice, bob] = newcomers()
    await using viewer = await connect(alice)
    expect(statusesOf(await viewer.watch(bob))).toEqual(['unknown'])
    presence.lose(bob, { status: 'online' })
    await expect.poll(() => viewer.statuses()).toEqual(['online'])
  })

  test('while NATS was away is read again', async () => {
    const [alice, bob] = newcomers()
    await using viewer = await connect(alice)
    await presence.change(bob, { status: 'online' })
    await viewer.watch(bob)
    await gateway.nats.kill()
    presence.lose(bob, { status: 'busy' })
    await gateway.nats.restart()
    await expect.poll(() => viewer.statuses(), { timeout: 20_000 }).toEqual(['busy'])
  })
})

describe('a status', () => {
  test('is set and read by hub and REST, and away is of a device', async () => {
    const [alice] = newcomers()
    await using viewer = await connect(alice)
    const until = new Date(Date.now() + 60_000).toISOString()
    expect(await viewer.hub.invoke('SetStatus', { status: 'busy', text: 'In a meeting', until })).toEqual({
      status: 'busy',
      text: 'In a meeting',
      until,
      visibleTo: 'everyone',
    })
    expect(await viewer.hub.invoke('SetStatus', { status: 'away' })).toMatchObject({ status: 'busy' })
    const byRest = async (method: string, body?: object) => {
      const response = await fetch(`${gateway.url}/api/v1/me/status`, {
        method,
        headers: { authorization: `Bearer ${gateway.issuer.tokenFor(alice)}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as object }
    }
    expect(await byRest('GET')).toMatchObject({ status: 200, body: { status: 'busy' } })
    expect(await byRest('PATCH', { status: 'away' })).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect(await byRest('PATCH', { status: 'online', text: null })).toMatchObject({ status: 200, body: { text: null } })
    const tooLong = 'x'.repeat(limits.statusTextCharacters + 1)
    await expect(viewer.hub.invoke('SetStatus', { text: tooLong })).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
