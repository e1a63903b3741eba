import { randomUUID } from 'node:crypto'
import { connectBus, listen } from '@parley/bus'
import { presence, PresenceNotice, type UserPresence } from '@parley/contracts'
import { silentLog, testNats } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { openNotices } from '../src/notices.ts'
import { commandRedis } from './command-redis.ts'
import { startWorld } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 25_000, interval: 20 }

test('the notices of each instance are numbered without a gap, and the last number is repeated', async () => {
  await using world = await startWorld()
  await Promise.all([world.start(), world.start()])
  const gateway = await world.gateway()
  const users = Array.from({ length: 200 }, () => randomUUID())
  const phones = await Promise.all(users.map((userId) => gateway.connect(userId)))
  await Promise.all(users.map((userId, index) => gateway.setIdle(userId, phones[index]!, true)))
  const isAway = () => users.every((userId) => world.noticedOf(userId).at(-1)?.status === 'away')
  await expect.poll(isAway, PATIENCE).toBe(true)

  const beat = () => world.notices.some(({ number, changes }) => number > 0 && changes.length === 0)
  await expect.poll(beat, PATIENCE).toBe(true)

  const bySender = Map.groupBy(world.notices, ({ senderId }) => senderId)
  expect(bySender.size).toBe(2)
  for (const notices of bySender.values()) {
    let last = notices[0]!.number
    for (const { number, changes } of notices.slice(1)) {
      expect(number).toBe(changes.length > 0 ? last + 1 : last)
      last = number
    }
  }
})

test('gateways are told whether it can be told of everybody, and when it could not for a moment', async () => {
  await using world = await startWorld()
  await world.start()
  await world.gateway()
  const whole = () => world.notices.at(-1)?.whole
  await expect.poll(whole, PATIENCE).toBe(false)
  await expect.poll(whole, PATIENCE).toBe(true)
  await commandRedis(world.redis.url, 'FLUSHALL')
  await expect.poll(whole, PATIENCE).toBe(false)
  await expect.poll(whole, PATIENCE).toBe(true)
  await world.redis.kill()
  await expect.poll(whole, PATIENCE).toBe(false)
  await world.redis.restart()
  await expect.poll(whole, PATIENCE).toBe(true)
})

test('many changes are told in several notices, none larger than allowed', async () => {
  await using nats = await testNats()
  await using bus = await connectBus({ url: nats.url, service: 'presence', log: silentLog })
  const sizes: number[] = []
  const heard: PresenceNotice[] = []
  await using _ = await listen(bus, presence.notices.changed, {}, (data) => {
    sizes.push(data.length)
    heard.push(PresenceNotice.parse(JSON.parse(new TextDecoder().decode(data))))
  })
  const changes = Array.from({ length: 300 }, (): UserPresence => ({
    userId: randomUUID(),
    status: 'busy',
    text: '🙂]}$&'.repeat(20),
    lastSeenAt: null,
    visibleTo: 'contacts',
    version: 1,
  }))
  const notices = openNotices(bus, 10_000)
  notices.beat(true)
  await notices.tell(changes)
  notices.beat(false)
  await expect.poll(() => heard.at(-1)?.whole).toBe(false)
  expect(heard.flatMap((notice) => notice.changes)).toEqual(changes)
  expect(heard.map(({ number }) => number)).toEqual([
    0,
    ...heard.slice(1, -1).map((_, index) => index + 1),
    notices.sent,
  ])
  expect(Math.max(...sizes)).toBeLessThan(10_200)
  expect(heard.length).toBeGreaterThan(8)
})
