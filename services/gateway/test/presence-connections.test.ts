import { randomUUID } from 'node:crypto'
import { HubConnectionState } from '@microsoft/signalr'
import type { HubEvent } from '@parley/protocol'
import { DEFAULT_STATUS, openConnectionRegistry, type ConnectionRegistry } from '@parley/routing'
import { silentLog } from '@parley/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectClient, type TestClient } from './test-client.ts'
import { startTestGateway, type TestGateway } from './test-gateway.ts'
import { startTestMessaging, type TestMessaging } from './test-messaging.ts'
import { startTestPresence } from './test-presence.ts'

const CAP = 2
const IDLE_MS = 1_500
const PATIENCE = { timeout: 10_000 }

let gateway: TestGateway
let other: Awaited<ReturnType<TestGateway['another']>>
let messaging: TestMessaging
/** Reads what the gateways have written. */
let registry: ConnectionRegistry

beforeAll(async () => {
  gateway = await startTestGateway({ connectionsPerUser: CAP, idleMs: IDLE_MS })
  other = await gateway.another()
  messaging = await startTestMessaging(gateway.bus, gateway.gatewayIds)
  await startTestPresence(gateway.bus)
  registry = await openConnectionRegistry({
    url: gateway.redis.url,
    log: silentLog,
    readStatuses: async (userIds) => new Map(userIds.map((userId) => [userId, DEFAULT_STATUS])),
  })
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

interface Device extends TestClient {
  readonly endings: HubEvent<'SessionEnding'>['reason'][]
  /** Why it was closed, for good. */
  readonly closed: (string | undefined)[]
  readonly reconnects: () => number
}

async function connect(userId: string, { url }: { url: string } = gateway): Promise<Device> {
  const client = await connectClient({ issuer: gateway.issuer, url }, userId)
  const { connection } = client.hub
  const closed: Device['closed'] = []
  let reconnects = 0
  connection.onreconnecting(() => void (reconnects += 1))
  connection.onclose((error) => void closed.push(error?.message))
  return {
    ...client,
    closed,
    get endings() {
      return client.told.flatMap(({ name, argument }) =>
        name === 'SessionEnding' ? [(argument as HubEvent<'SessionEnding'>).reason] : [],
      )
    },
    reconnects: () => reconnects,
  }
}

const isOpen = ({ hub }: Device) => hub.invoke('GetStatus', {})

async function expectTooMany(device: Device): Promise<void> {
  await expect.poll(() => device.closed, PATIENCE).toHaveLength(1)
  expect(device.closed[0]).toContain(`too_many_connections: The user has more than ${CAP} connections.`)
  expect(device.endings).toEqual(['too_many_connections'])
  expect(device.reconnects()).toBe(0)
}

test('of many connections that a user opens at once, over two gateways, the cap stay, and each other one is closed', async () => {
  const userId = randomUUID()
  const opening = Array.from({ length: 12 }, (_, index) => connect(userId, index % 2 === 0 ? gateway : other))
  // Closed before its `Welcome`, one does not come to be connected.
  const settled = await Promise.allSettled(opening)
  const devices = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  await using stack = new AsyncDisposableStack()
  for (const device of devices) stack.use(device)
  const open = () => devices.filter(({ hub }) => hub.connection.state === HubConnectionState.Connected)
  await expect.poll(() => open().length, PATIENCE).toBe(CAP)
  await Promise.all(open().map(isOpen))
  await using newest = await connect(userId)
  await expect.poll(() => open().length, PATIENCE).toBe(CAP - 1)
  await isOpen(newest)
})

describe('a user', () => {
  test('is away when nothing is done on their devices, and back as soon as something is', async () => {
    const [userId, conversationId] = [randomUUID(), randomUUID()]
    messaging.add(userId, conversationId)
    await using device = await connect(userId)
    const status = async () => (await registry.statesOf([userId])).get(userId)?.status
    const becomes = (expected: string, timeout: number) => expect.poll(status, { timeout }).toBe(expected)
    await becomes('online', 10_000)
    await becomes('away', 2 * IDLE_MS)
    await device.hub.invoke('GetStatus', {})
    expect(await status()).toBe('away')
    await device.hub.invoke('StartTyping', { conversationId })
    await becomes('online', 1_000)
    await device.hub.invoke('SetStatus', { status: 'away' })
    await becomes('away', 1_000)
    await device.hub.invoke('SetStatus', { status: 'online' })
    await becomes('online', 1_000)
  })
})

describe('of connections beyond what a user may have', () => {
  test('the oldest is told so and closed for good, on whichever gateway it is', async () => {
    const userId = randomUUID()
    await using first = await connect(userId)
    await using second = await connect(userId, other)
    await using third = await connect(userId, other)
    await expectTooMany(first)
    await using fourth = await connect(userId)
    await expectTooMany(second)
    for (const device of [third, fourth]) {
      await isOpen(device)
      expect(device.endings).toEqual([])
    }
  })

  test('those of others are not touched', async () => {
    const [alice, bob] = [randomUUID(), randomUUID()]
    await using ofAlice = await connect(alice)
    await using first = await connect(bob)
    await using second = await connect(bob, other)
    await using third = await connect(bob)
    await expectTooMany(first)
    for (const device of [ofAlice, second, third]) await isOpen(device)
  })

  test('the oldest here are closed while Redis cannot tell of any', async () => {
    const userId = randomUUID()
    await using first = await connect(userId)
    await using second = await connect(userId)
    await gateway.redis.kill()
    await using third = await connect(userId)
    await expectTooMany(first)
    for (const device of [second, third]) await isOpen(device)
    await gateway.redis.restart()
  })
})
