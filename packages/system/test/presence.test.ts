import { setTimeout as delay } from 'node:timers/promises'
import type { Conversation, PresenceState } from '@parley/protocol'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { join, type Participant } from '../src/participant.ts'
import { startRoundRobin } from '../src/round-robin.ts'
import { startSystem, type System } from '../src/start-system.ts'
import { joinToWatch, type Watcher } from '../src/watching.ts'

vi.setConfig({ testTimeout: 120_000 })
const PATIENCE = { timeout: 45_000, interval: 50 }
/** What a change may take on its way, on a busy machine: it is looked for 4 times a second and told once a second. */
const ON_THE_WAY_MS = 4_000

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { GATEWAY_DRAIN_SECONDS: '3' } })
  // Presence has just started and has to hear all gateways.
  await delay(6_000)
}, 120_000)
afterAll(() => system?.[Symbol.asyncDispose]())

/** Somebody who watches the others, all of one group. */
async function watched(
  stack: AsyncDisposableStack,
  { watcherUrl, people }: { watcherUrl: string; people: readonly Participant[] },
): Promise<Watcher> {
  const watcher = stack.use(await joinToWatch(watcherUrl, 'watcher'))
  const userIds = people.map(({ user }) => user.id)
  await watcher.invoke<Conversation>('CreateConversation', { kind: 'group', title: 'All', memberIds: userIds })
  await watcher.watch(userIds)
  await expect
    .poll(() => new Set(userIds.map((userId) => watcher.statusOf(userId))), PATIENCE)
    .toEqual(new Set(['online']))
  return watcher
}

const joinAll = (stack: AsyncDisposableStack, gatewayUrl: string, names: readonly string[]): Promise<Participant[]> =>
  Promise.all(names.map(async (name) => stack.use(await join(gatewayUrl, name))))

async function tookUntil(watcher: Watcher, person: Participant, status: string, sinceMs: number): Promise<number> {
  const { id } = person.user
  await expect.poll(() => watcher.statusOf(id), PATIENCE).toBe(status)
  return watcher.changesOf(id).findLast((change) => change.status === status)!.atMs - sinceMs
}

test('who closes is offline after 3 s; who is lost after 15 s, unless back before that, on any gateway', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const network = stack.use(await startRoundRobin([first]))
  const [leaving] = (await joinAll(stack, first, ['leaving'])) as [Participant]
  const [lost, back] = (await joinAll(stack, network.url, ['lost', 'back'])) as [Participant, Participant]
  const watcher = await watched(stack, { watcherUrl: second, people: [leaving, lost, back] })

  const closedAt = performance.now()
  await leaving.connection.stop()
  const lostAt = performance.now()
  await network[Symbol.asyncDispose]()

  const closedFor = await tookUntil(watcher, leaving, 'offline', closedAt)
  expect(closedFor).toBeGreaterThan(2_900)
  expect(closedFor).toBeLessThan(3_000 + ON_THE_WAY_MS)
  await delay(5_000)
  await using _again = await join(second, 'back')

  const lostFor = await tookUntil(watcher, lost, 'offline', lostAt)
  expect(lostFor).toBeGreaterThan(14_900)
  expect(lostFor).toBeLessThan(15_000 + ON_THE_WAY_MS)
  await delay(2_000)
  expect(watcher.changesOf(back.user.id)).toEqual([])
  expect(watcher.statusOf(back.user.id)).toBe('online')
})

test('whose gateway is killed is seen rightly within 30 s: gone, or never away when back in time', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const gone = await joinAll(stack, first, ['gone 1', 'gone 2', 'gone 3'])
  const moving = await joinAll(stack, first, ['moving 1', 'moving 2', 'moving 3'])
  const watcher = await watched(stack, { watcherUrl: second, people: [...gone, ...moving] })

  const killedAt = performance.now()
  await system.kill('gateway-1')
  await Promise.all(gone.map(({ connection }) => connection.stop()))
  await joinAll(stack, second, ['moving 1', 'moving 2', 'moving 3'])
  for (const person of gone) expect(await tookUntil(watcher, person, 'offline', killedAt)).toBeLessThan(30_000)
  for (const person of moving) expect(watcher.changesOf(person.user.id)).toEqual([])
  await system.untilBack('gateway-1')
})

test('a gateway that is stopped for longer than its lease is dead to others, and right again when it goes on', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const people = await joinAll(stack, first, ['paused 1', 'paused 2'])
  const watcher = await watched(stack, { watcherUrl: second, people })
  await system.pause('gateway-1')
  const pausedAt = performance.now()
  for (const person of people) expect(await tookUntil(watcher, person, 'offline', pausedAt)).toBeLessThan(30_000)
  await system.resume('gateway-1')
  const resumedAt = performance.now()
  for (const person of people) expect(await tookUntil(watcher, person, 'online', resumedAt)).toBeLessThan(30_000)
})

test('when Redis is emptied, again and again, all is right within 20 s, and meanwhile unknown but never offline', async () => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = system.gatewayUrls
  const people = [...(await joinAll(stack, first, ['here 1', 'here 2'])), ...(await joinAll(stack, second, ['here 3']))]
  const leaving = stack.use(await join(first, 'leaving meanwhile'))
  const watcher = await watched(stack, { watcherUrl: second, people: [...people, leaving] })
  const userIds = people.map(({ user }) => user.id)
  const redis = new Redis(system.redisUrl)
  stack.defer(() => redis.disconnect())
  const answered = new Set<string>()
  const look = async () => {
    const { states } = await watcher.invoke<{ states: PresenceState[] }>('GetPresence', { userIds })
    for (const { status } of states) answered.add(status)
    return new Set(states.map(({ status }) => status))
  }

  for (let round = 0; round < 3; round += 1) {
    await redis.flushall()
    if (round === 1) await leaving.connection.stop()
    const flushedAt = performance.now()
    await delay(200)
    await expect.poll(look, { timeout: 20_000, interval: 100 }).toEqual(new Set(['online']))
    expect(performance.now() - flushedAt).toBeLessThan(20_000)
  }
  expect(answered).not.toContain('offline')
  expect(watcher.changes.filter(({ userId, status }) => userIds.includes(userId) && status === 'offline')).toEqual([])
  await expect.poll(() => watcher.statusOf(leaving.user.id), PATIENCE).toBe('offline')
})
