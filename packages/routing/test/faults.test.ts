import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, testRedis } from '@parley/testing'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import { openSenderRouting } from '../src/index.ts'
import { bucketOf, redisKeys } from '../src/redis-keys.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 20 }

const topics = Array.from({ length: 200 }, (_, index) => `c:topic-${index}`)

function connect(url: string): Disposable & { client: Redis } {
  const client = new Redis(url)
  return { client, [Symbol.dispose]: () => client.disconnect() }
}

test('a gateway that starts without Redis gets every notice', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const registered = await fleet.gateway()
  const unregistered = await fleet.gateway({ url: 'redis://127.0.0.1:1' })
  const sender = await fleet.sender()
  await registered.addInterest(['c:a'])
  await unregistered.addInterest(['c:b'])

  expect(unregistered.announcement.registered).toBe(false)
  expect(await sender.gatewaysOf(['c:a', 'c:b'])).toEqual(
    new Map([
      [registered.gatewayId, ['c:a']],
      [unregistered.gatewayId, ['c:a', 'c:b']],
    ]),
  )
})

test('a gateway that started without Redis registers under a new id as soon as Redis is there', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  await redis.kill()
  const gateway = await fleet.gateway()
  const sender = await fleet.sender()
  const before = gateway.gatewayId
  const identities: number[] = []
  gateway.onNewIdentity((gatewayId) => void identities.push(gatewayId))
  await gateway.addInterest(['c:a'])
  expect(await sender.gatewaysOf(['c:z'])).toEqual(new Map([[before, ['c:z']]]))

  await redis.restart()
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
  expect(identities).toEqual([gateway.gatewayId])
  expect(gateway.gatewayId).not.toBe(before)
  await expect.poll(async () => (await sender.gatewaysOf(['c:a'])).get(gateway.gatewayId), PATIENCE).toEqual(['c:a'])
})

test('a gateway that is alive in Redis, but was never heard by this sender, gets its notices', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  await gateway.addInterest(['c:a'])
  await using sender = await openSenderRouting({ url: redis.url, log: silentLog, settlingMs: 0 })
  expect(await sender.gatewaysOf(['c:a', 'c:b'])).toEqual(new Map([[gateway.gatewayId, ['c:a']]]))
})

test('a sender that has just started, or no longer knows what it missed, sends to all gateways', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const sender = await fleet.sender({ settlingMs: 500 })

  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map([[gateway.gatewayId, ['c:a']]]))
  await expect.poll(() => sender.gatewaysOf(['c:a']), PATIENCE).toEqual(new Map())

  fleet.silence(gateway)
  sender.distrust()
  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map([[gateway.gatewayId, ['c:a']]]))
  sender.hear(gateway.announcement)
  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map())
})

test('a gateway without announcements and without a lease is skipped, and taken out of the sets', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const sender = await fleet.sender({ silentAfterMs: 100 })
  const { client } = raw
  const dead = 4_503_599_627_370_497
  await client.sadd(redisKeys.topic('c:a'), dead)

  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map())
  await expect.poll(() => client.exists(redisKeys.topic('c:a')), PATIENCE).toBe(0)

  // Announced, and not registered: it hears everything, until it has been silent and has no lease.
  sender.hear({ gatewayId: dead, redisEpoch: '', registered: false })
  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map([[dead, ['c:a']]]))
  await expect.poll(() => sender.gatewaysOf(['c:a']), PATIENCE).toEqual(new Map())
})

test('a gateway whose lease lapsed takes a new id, which nobody hears of before it has subscribed', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const sender = await fleet.sender({ silentAfterMs: 300 })
  await gateway.addInterest(topics)
  await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  const before = gateway.gatewayId
  const seen: unknown[] = []
  gateway.onNewIdentity(async (gatewayId) => {
    await delay(50)
    seen.push({
      gatewayId,
      announced: gateway.gatewayId,
      sets: await raw.client.smembers(redisKeys.topic('c:topic-1')),
    })
  })

  await raw.client.del(redisKeys.lease(before))
  await expect.poll(() => gateway.gatewayId, PATIENCE).not.toBe(before)
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)

  expect(seen).toEqual([{ gatewayId: gateway.gatewayId, announced: before, sets: [String(before)] }])
  expect(await raw.client.hget(redisKeys.user('ann'), 'k')).toMatch(new RegExp(`^${gateway.gatewayId}[|]`))
  await expect.poll(() => sender.gatewaysOf(topics), PATIENCE).toEqual(new Map([[gateway.gatewayId, topics]]))
})

test('a gateway that was stopped for longer than its lease knows it at once, and takes a new id', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ leaseMs: 300, renewMs: 100 })
  await gateway.addInterest(['c:a'])
  const before = gateway.gatewayId
  expect(gateway.lapsed).toBe(false)

  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
  expect(gateway.lapsed).toBe(true)
  expect(gateway.gatewayId).toBe(before)
  await expect.poll(() => gateway.lapsed, PATIENCE).toBe(false)
  expect(gateway.gatewayId).not.toBe(before)
})

test('while Redis can be read but not written, gateways hear everything and go on', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ leaseMs: 300, renewMs: 100 })
  const sender = await fleet.sender()
  await raw.client.replicaof('127.0.0.1', '1')

  await gateway.addInterest(['c:a'])
  expect(gateway.announcement.registered).toBe(false)
  // Longer than the lease.
  const endsAt = performance.now() + 1_000
  while (performance.now() < endsAt) {
    expect(gateway.lapsed).toBe(false)
    expect((await sender.gatewaysOf(['c:a'])).get(gateway.gatewayId)).toEqual(['c:a'])
    await delay(20)
  }
  await raw.client.replicaof('NO', 'ONE')
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
})

test('no topic is missed while Redis is emptied again and again', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const gateways = [await fleet.gateway(), await fleet.gateway()]
  const sender = await fleet.sender()
  await Promise.all(gateways.map((gateway) => gateway.addInterest(topics)))

  for (let round = 0; round < 3; round++) {
    const endsAt = performance.now() + 1_200
    for (let sends = 0; performance.now() < endsAt; sends++) {
      const flushing = sends === 5 ? raw.client.flushall() : undefined
      // The old id is subscribed until senders use the new one.
      const idsBefore = gateways.map(({ gatewayId }) => gatewayId)
      const found = await sender.gatewaysOf(topics)
      for (const [index, gateway] of gateways.entries()) {
        const heard = new Set([...(found.get(gateway.gatewayId) ?? []), ...(found.get(idsBefore[index]!) ?? [])])
        expect(heard).toEqual(new Set(topics))
      }
      await flushing
      await delay(2)
    }
    await expect.poll(() => gateways.every(({ announcement }) => announcement.registered), PATIENCE).toBe(true)
  }
})

test('a part of Redis that is lost is noticed at once by senders, and mended by gateways that keep their ids', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const sender = await fleet.sender()
  const { gatewayId } = gateway
  const lost = topics.filter((topic) => bucketOf(topic) === bucketOf('c:topic-0'))
  await gateway.addInterest(topics)

  await raw.client.del(redisKeys.epoch(bucketOf('c:topic-0')), ...lost.map(redisKeys.topic))
  expect(await sender.gatewaysOf(lost)).toEqual(new Map([[gatewayId, lost]]))
  await expect.poll(() => raw.client.exists(...lost.map(redisKeys.topic)), PATIENCE).toBe(lost.length)
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
  expect(gateway.gatewayId).toBe(gatewayId)
})

test('no topic is missed while Redis is killed and comes back', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const sender = await fleet.sender({ settlingMs: 200 })
  await gateway.addInterest(topics)
  let restarting: Promise<void> | undefined
  let inDoubt = false
  async function comeBack(): Promise<void> {
    await redis.kill()
    await delay(300)
    await redis.restart()
  }
  const endsAt = performance.now() + 2_500
  for (let sends = 0; performance.now() < endsAt; sends++) {
    if (sends === 5) restarting = comeBack()
    inDoubt ||= !gateway.announcement.registered
    const before = gateway.gatewayId
    const found = await sender.gatewaysOf(topics)
    expect(new Set([...(found.get(gateway.gatewayId) ?? []), ...(found.get(before) ?? [])])).toEqual(new Set(topics))
    await delay(5)
  }
  await restarting
  expect(inDoubt).toBe(true)
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
  await expect.poll(() => sender.gatewaysOf(['c:elsewhere']), PATIENCE).toEqual(new Map())
})

test('after a loss of Redis a sender does not believe what it has heard before: Redis may be back with older data', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ registrationJitterMs: 60_000 })
  const sender = await fleet.sender({ settlingMs: 300, silentAfterMs: 6_000 })
  await gateway.addInterest(['c:a'])
  await expect.poll(() => sender.gatewaysOf(['c:b']), PATIENCE).toEqual(new Map())
  const { gatewayId } = gateway
  fleet.silence(gateway)
  await redis.restart()
  using raw = connect(redis.url)
  await raw.client.del(redisKeys.topic('c:a'))
  await expect
    .poll(
      () =>
        sender
          .check()
          .then(() => true)
          .catch(() => false),
      PATIENCE,
    )
    .toBe(true)
  expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map([[gatewayId, ['c:a']]]))
})

test('while Redis does not answer, senders soon stop to ask it and send to all', async () => {
  await using redis = await testRedis()
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway()
  const sender = await fleet.sender({ commandTimeoutMs: 200 })
  process.kill(redis.pid, 'SIGSTOP')
  try {
    expect(await sender.gatewaysOf(['c:a'])).toEqual(new Map([[gateway.gatewayId, ['c:a']]]))
    const startedAt = performance.now()
    for (let sends = 0; sends < 100; sends++) await sender.gatewaysOf(['c:a'])
    expect(performance.now() - startedAt).toBeLessThan(100)
    await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(false)
  } finally {
    process.kill(redis.pid, 'SIGCONT')
  }
  await expect.poll(() => gateway.announcement.registered, PATIENCE).toBe(true)
  await expect.poll(() => sender.gatewaysOf(['c:a']), PATIENCE).toEqual(new Map())
})

test('interest added and removed at random by many at once is in Redis exactly as it stands', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  await using fleet = startFleet(redis.url)
  const gateway = await fleet.gateway({ removalDelayMs: 20 })
  const names = topics.slice(0, 20)
  const held = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const mine = new Set<string>()
      for (let step = 0; step < 200; step++) {
        const topic = names[Math.floor(Math.random() * names.length)]!
        if (mine.delete(topic)) gateway.removeInterest([topic])
        else {
          mine.add(topic)
          await gateway.addInterest([topic])
          expect(await raw.client.sismember(redisKeys.topic(topic), gateway.gatewayId)).toBe(1)
        }
        if (Math.random() < 0.1) await delay(25)
      }
      return mine
    }),
  )
  const expected = held.reduce((all, mine) => all.union(mine)).union(new Set())
  await expect
    .poll(async () => {
      const sets = await Promise.all(names.map((topic) => raw.client.exists(redisKeys.topic(topic))))
      return new Set(names.filter((_, index) => sets[index] === 1))
    })
    .toEqual(expected)
})

test('a gateway that stops leaves nothing behind', async () => {
  await using redis = await testRedis()
  using raw = connect(redis.url)
  const { client } = raw
  {
    await using fleet = startFleet(redis.url)
    const gateway = await fleet.gateway()
    await gateway.addInterest(topics)
    await gateway.addConnection({ connectionId: 'k', userId: 'ann' })
  }
  const keys = await client.keys('*')
  const left = keys.filter((key) => !key.endsWith(':epoch')).toSorted()
  expect(left).toEqual([redisKeys.user('ann'), redisKeys.user('ann').replace(/user.*/, 'due'), 'gateways'].toSorted())
  expect(await client.hkeys(redisKeys.user('ann'))).toEqual(['#g', '#l'])
})
