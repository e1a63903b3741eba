import { randomUUID } from 'node:crypto'
import { silentLog, testRedis } from '@parley/testing'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { DEFAULT_STATUS, openConnectionRegistry } from '../src/index.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

/** What a node of a cluster would look at: the part in braces, or all of it. */
const tagOf = (key: string): string => /\{([^}]+)\}/.exec(key)?.[1] ?? key

test('no command and no script touches keys of two slots, or keys it has not named', async () => {
  await using redis = await testRedis()
  const raw = new Redis(redis.url)
  using _raw = { [Symbol.dispose]: () => raw.disconnect() }
  const monitor = await raw.monitor()
  using _monitor = { [Symbol.dispose]: () => monitor.disconnect() }
  const seen: { args: string[]; isInScript: boolean }[] = []
  monitor.on('monitor', (_: string, args: string[], source: string) =>
    seen.push({ args, isInScript: source === 'lua' }),
  )

  await doEverything(redis.url)
  await raw.ping('done')
  await expect.poll(() => seen.some(({ args }) => args[1] === 'done'), PATIENCE).toBe(true)
  monitor.disconnect()

  const names = new Set(seen.map(({ args }) => args[0]?.toLowerCase()))
  for (const name of ['keys', 'scan', 'multi', 'mget', 'eval', 'select', 'flushall']) expect(names).not.toContain(name)
  for (const name of ['sadd', 'srem', 'smembers', 'spop', 'hgetall', 'hset', 'zadd', 'evalsha']) {
    expect(names).toContain(name)
  }

  expect(seen.some(({ isInScript }) => isInScript)).toBe(true)

  let declared: string[] = []
  for (const { args, isInScript } of seen) {
    const keys = await keysOf(raw, args)
    expect(new Set(keys.map(tagOf)).size, args.join(' ')).toBeLessThanOrEqual(1)
    if (isInScript) expect(declared, args.join(' ')).toEqual(expect.arrayContaining(keys))
    else declared = keys
  }
})

async function keysOf(raw: Redis, args: readonly string[]): Promise<string[]> {
  if (args.length === 1) return []
  try {
    return (await raw.call('COMMAND', 'GETKEYS', ...args)) as string[]
  } catch (error) {
    if (/no key arguments/i.test(String(error))) return []
    throw error
  }
}

/** All that gateways, senders and presence have to say to Redis. */
async function doEverything(url: string): Promise<void> {
  await using fleet = startFleet(url)
  const one = await fleet.gateway({ connectionsPerUser: 1, graceMs: { closed: 0, lost: 0, drained: 0 } })
  const other = await fleet.gateway({ leaseMs: 1_000 })
  const sender = await fleet.sender({ silentAfterMs: 100 })
  await using registry = await openConnectionRegistry({
    url,
    log: silentLog,
    settlingMs: 0,
    deadGraceMs: 0,
    silentAfterMs: 100,
    readStatuses: async () => new Map(),
  })
  registry.hear(one.announcement)
  const users = Array.from({ length: 20 }, () => randomUUID())
  const topics = users.map((userId) => `u:${userId}`)
  const settleAll = async (): Promise<void> => {
    for (let more = true; more;) {
      const found = await registry.settleDue()
      await registry.acknowledge(found.transitions)
      more = found.more || found.transitions.length > 0
    }
  }

  await one.reachableAt('http://127.0.0.1:1')
  await other.addressOf(one.gatewayId)
  await one.claimTicket('ticket', 'k', 1_000)
  await one.addInterest(topics)
  await other.addInterest(topics)
  for (const userId of users) {
    await one.addConnection({ connectionId: `of-${userId}`, userId })
    await other.addConnection({ connectionId: `other-of-${userId}`, userId, device: 'phone' })
    await one.addConnection({ connectionId: `again-of-${userId}`, userId })
    await one.setIdle(`of-${userId}`, userId, true)
  }
  await settleAll()
  await registry.writeStatuses(
    users.map((userId) => ({
      ...DEFAULT_STATUS,
      userId,
      version: 1,
      status: 'busy',
      text: 'no',
      visibleTo: 'contacts',
    })),
  )
  await settleAll()
  await registry.statesOf(users)
  await registry.isWhole()
  await registry.measure()
  await sender.gatewaysOf(topics)

  fleet.silence(other)
  await other[Symbol.asyncDispose]()
  for (const userId of users) await one.removeConnection(`of-${userId}`, userId, 'closed')
  one.removeInterest(topics)
  await expect.poll(() => sender.gatewaysOf(topics), PATIENCE).toEqual(new Map())
  registry.hear({ gatewayId: 1, redisEpoch: '', registered: true })
  await registry.sweepDeadGateways()
  await settleAll()
  await registry.flushSeen(1, async () => undefined)
}
