import { beforeAll, expect, test } from 'vitest'
import { runOnRedis, type RedisFigures } from '../src/run-on-redis.ts'

/** A hundredth of a million users: enough for a change of what a user or a conversation takes to show. */
const LOADED = { users: 10_000, conversations: 50_000, gateways: 10, perUser: 20 }

let figures: RedisFigures

beforeAll(async () => {
  figures = await runOnRedis({ ...LOADED, newcomers: 200, quietMs: 1_000, saturateMs: 200, say: () => undefined })
}, 240_000)

test('a user who is online, and a conversation of four, take no more memory in Redis than they should', () => {
  const { memory } = figures
  expect(memory.conversationsWithInterest).toBeGreaterThan(0.95 * LOADED.conversations)
  expect(memory.gatewaysPerConversation).toBeGreaterThan(3)
  for (const bytes of [
    memory.perUser.hash,
    memory.perUser.gatewayEntry,
    memory.perUser.ownTopic,
    memory.perConversation,
  ]) {
    expect(bytes).toBeGreaterThan(16)
  }
  expect(memory.perUser.online).toBeLessThan(450)
  expect(memory.perConversation).toBeLessThan(190)
})

test('coming, going and sending cost Redis a few commands each', () => {
  const commandsFor = (name: string) => figures.costs.find((cost) => cost.name.startsWith(name))?.commands
  // A set entry for each topic, and the script of the connection.
  expect(commandsFor('connect,')).toBeGreaterThan(LOADED.perUser / 2)
  expect(commandsFor('connect,')).toBeLessThan(2 * LOADED.perUser)
  expect(commandsFor('connect again')).toBeLessThan(15)
  expect(commandsFor('message')).toBeLessThan(3)
  expect(figures.costs.every(({ cpuUs }) => Number.isFinite(cpuUs))).toBe(true)
})

test('what Redis can do is measured by what it really does', () => {
  expect(figures.capacities.length).toBeGreaterThan(3)
  for (const { perSecond, perCoreSecond } of figures.capacities) {
    expect(perSecond).toBeGreaterThan(1_000)
    expect(perCoreSecond).toBeGreaterThan(1_000)
    expect(perCoreSecond).toBeLessThan(50_000_000)
  }
})
