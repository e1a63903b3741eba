import { setTimeout as delay } from 'node:timers/promises'
import { silentLog, testRedis } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { ADVANCE_INTEREST, CLAIM_INTEREST, searchDeadInterest, wantRound } from '../src/dead-interest.ts'
import { inChunks } from '../src/in-chunks.ts'
import { openConnectionRegistry } from '../src/index.ts'
import { redisKeys } from '../src/redis-keys.ts'
import { openRedis, type RedisConnection } from '../src/redis.ts'
import { startFleet } from './fleet.ts'

vi.setConfig({ testTimeout: 60_000 })

const PATIENCE = { timeout: 20_000 }

const ALIVE = 4_503_599_627_370_497
const DEAD = 4_503_599_627_370_498
const ALSO_DEAD = 4_503_599_627_370_499

/** More than one step can look at. */
const TOPICS = Array.from({ length: 12_000 }, (_, index) => `${index % 10 === 0 ? 'u' : 'c'}:${crypto.randomUUID()}`)

async function open(url: string, claimMs?: number) {
  const redis = await openRedis({ url, name: 'test', log: silentLog, scripts: [ADVANCE_INTEREST, CLAIM_INTEREST] })
  return { redis, step: searchDeadInterest(redis, claimMs) }
}

async function fill(redis: RedisConnection, gatewayIdsOf: (index: number) => number[]): Promise<void> {
  await redis.client.set(redisKeys.lease(ALIVE), 'http://gateway.test')
  for (const chunk of inChunks(TOPICS.entries(), 1_000)) {
    await redis.pipeline((pipeline) => {
      for (const [index, topic] of chunk) pipeline.sadd(redisKeys.topic(topic), ...gatewayIdsOf(index))
    })
  }
}

/** By topic, the ids in its set. */
async function interestIn(redis: RedisConnection, topics: readonly string[] = TOPICS): Promise<number[][]> {
  const sets = await redis.pipeline((pipeline) => topics.forEach((topic) => pipeline.smembers(redisKeys.topic(topic))))
  return sets.map((ids) => (ids as string[]).map(Number))
}

async function scansOf(redis: RedisConnection): Promise<number> {
  return Number(/cmdstat_scan:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0)
}

test('a gateway that was found dead is taken out of all topics, by one instance at a time', async () => {
  await using server = await testRedis()
  const readStatuses = () => Promise.resolve(new Map())
  const options = { url: server.url, log: silentLog, readStatuses }
  await using one = await openConnectionRegistry(options)
  await using other = await openConnectionRegistry(options)
  await using raw = (await open(server.url)).redis
  await fill(raw, (index) => (index % 2 === 0 ? [DEAD] : [DEAD, ALIVE]))
  await raw.client.sadd(redisKeys.gateways, DEAD, ALIVE)

  expect(await one.forgetDeadInterest()).toBe(0)
  expect(await one.sweepDeadGateways()).toEqual([DEAD])
  const first = await one.forgetDeadInterest()
  expect(first).toBeGreaterThan(0)
  expect(first).toBeLessThan(TOPICS.length)
  expect(await other.forgetDeadInterest()).toBe(0)
  let forgotten = first
  await vi.waitFor(async () => {
    forgotten += await one.forgetDeadInterest()
    expect(forgotten).toBe(TOPICS.length)
  }, PATIENCE)
  expect(await interestIn(raw)).toEqual(TOPICS.map((_, index) => (index % 2 === 0 ? [] : [ALIVE])))
})

test('without a gateway found dead, and after its round, nobody looks through the keys', async () => {
  await using server = await testRedis()
  const { redis, step } = await open(server.url)
  await using _ = redis
  await redis.client.sadd(redisKeys.topic(TOPICS[0]!), DEAD)
  expect(await step()).toBe(0)
  expect(await scansOf(redis)).toBe(0)
  await wantRound(redis)
  expect(await step()).toBe(1)
  const scans = await scansOf(redis)
  expect(scans).toBeGreaterThan(0)
  await step()
  expect(await scansOf(redis)).toBe(scans)
})

test('when the instance that works has died, another goes on where it was', async () => {
  await using server = await testRedis()
  const one = await open(server.url, 1_500)
  const other = await open(server.url)
  await using redis = other.redis
  await fill(redis, () => [ALIVE, DEAD])
  await wantRound(redis)
  const first = await one.step()
  expect(first).toBeGreaterThan(0)
  await one.redis[Symbol.asyncDispose]()
  expect(await other.step()).toBe(0)
  let forgotten = first
  await vi.waitFor(async () => {
    forgotten += await other.step()
    expect(forgotten).toBe(TOPICS.length)
  }, PATIENCE)
  await other.step()
  // Each key was looked at about once.
  expect(await scansOf(redis)).toBeLessThan(1.5 * (TOPICS.length / 500))
})

test('a gateway that is found dead during a round is looked for in another round', async () => {
  await using server = await testRedis()
  const { redis, step } = await open(server.url)
  await using _ = redis
  await fill(redis, () => [ALIVE, DEAD])
  await wantRound(redis)
  await step()
  await redis.pipeline((pipeline) => TOPICS.forEach((topic) => pipeline.sadd(redisKeys.topic(topic), ALSO_DEAD)))
  await wantRound(redis)
  await vi.waitFor(async () => {
    await step()
    expect((await interestIn(redis)).every((ids) => ids.length === 1 && ids[0] === ALIVE)).toBe(true)
  }, PATIENCE)
})

test('after a restart of Redis, which knows its cursors no more, the round begins anew', async () => {
  await using server = await testRedis()
  const { redis, step } = await open(server.url)
  await using _ = redis
  await fill(redis, () => [ALIVE, DEAD])
  await wantRound(redis)
  await step()
  const run = redis.run
  await server.restart()
  await vi.waitUntil(() => redis.available && redis.run !== run, PATIENCE)
  await vi.waitFor(async () => {
    await step()
    expect((await interestIn(redis)).every((ids) => ids.length === 1 && ids[0] === ALIVE)).toBe(true)
  }, PATIENCE)
})

test('living gateways stay in all their topics while they register, lose their leases and register anew', async () => {
  await using server = await testRedis()
  await using fleet = startFleet(server.url)
  const { redis, step } = await open(server.url)
  await using _ = redis
  const topics = TOPICS.slice(0, 3_000)
  const gateways = await Promise.all([1, 2, 3].map(() => fleet.gateway()))
  let adding = true
  const added = Promise.all(
    gateways.map(async (gateway, index) => {
      for (const chunk of inChunks(topics, 50)) {
        await gateway.addInterest(chunk)
        // Once in the middle, its lease is lost.
        if (chunk[0] === topics[1_000 + index * 500]) await redis.client.del(redisKeys.lease(gateway.gatewayId))
        await delay(5)
      }
    }),
  ).finally(() => (adding = false))
  let rounds = 0
  while (adding) {
    await wantRound(redis)
    await step()
    rounds++
  }
  await added
  expect(rounds).toBeGreaterThan(5)
  await vi.waitUntil(() => gateways.every(({ figures }) => figures.registered && figures.leasesTaken === 2), PATIENCE)
  await wantRound(redis)
  await vi.waitFor(async () => {
    await step()
    const living = new Set(gateways.map(({ gatewayId }) => gatewayId))
    const interest = (await interestIn(redis, topics)).map((ids) => new Set(ids))
    expect(interest.every((ids) => ids.size === 3 && ids.isSubsetOf(living))).toBe(true)
  }, PATIENCE)
})
