import { flush, listen, must, notify } from '@parley/bus'
import {
  conversationTopic,
  decodeDeliveryBatch,
  gateway,
  userTopic,
  type DeliveryBatch,
  type Topic,
} from '@parley/contracts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { listChangedTopics } from '../src/store/changed-topics.ts'
import { newUser, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => void (world = await openWorld()))
afterAll(() => world[Symbol.asyncDispose]())

const WAIT = { timeout: 15_000, interval: 20 }

/** A gateway that hears everything, as it came. */
async function startHearing() {
  const gatewayId = 1 + Math.floor(Math.random() * 2 ** 50)
  const batches: DeliveryBatch[] = []
  await listen(world.bus, gateway.notices.deliver, { gatewayId: String(gatewayId) }, (data) => {
    batches.push(decodeDeliveryBatch(data))
  })
  const announcement = { gatewayId, redisEpoch: 'none', registered: false }
  notify(world.bus, gateway.notices.announced, {}, new TextEncoder().encode(JSON.stringify(announcement)))
  await flush(world.bus)
  return { gatewayId, batches }
}

const isRepetition = ({ deliveries, receipts }: DeliveryBatch) => deliveries.length + receipts.length === 0

test('what a gateway is told is numbered from 1, the last number is repeated, and what was missed can be asked for', async () => {
  const { gatewayId, batches } = await startHearing()
  await vi.waitFor(() => expect(batches.some(({ number }) => number === 0)).toBe(true), WAIT)
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  for (let index = 0; index < 3; index += 1) await world.send(alice, conversationId)
  const toldTo = (topic: Topic) =>
    batches.flatMap(({ deliveries }) => deliveries).filter((told) => told.topic === topic)
  const topic = conversationTopic(conversationId)
  await vi.waitFor(() => expect(new Set(toldTo(topic).map(({ version }) => version)).size).toBe(3), WAIT)

  const told = batches.filter((batch) => !isRepetition(batch))
  expect(told.map(({ number }) => number)).toEqual(told.map((_, index) => index + 1))
  const last = told.at(-1)!
  await vi.waitFor(() => expect(batches.filter(isRepetition).at(-1)?.number).toBe(last.number), WAIT)

  const ask = async (numbers: number[]) =>
    must(await world.calls.listNotices({ senderId: last.senderId, gatewayId, numbers }))
  expect(await ask(told.map(({ number }) => number))).toEqual({
    topics: expect.arrayContaining([
      { topic, version: 4 },
      { topic: userTopic(alice), version: 1 },
    ]),
    receipts: [],
    forgotten: false,
  })
  expect(await ask([last.number + 1])).toEqual({ topics: [], receipts: [], forgotten: true })
  await expect(world.calls.listNotices({ senderId: 'nobody', gatewayId, numbers: [1] })).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('what has changed within a time is listed with its versions, page by page, and nothing older', async () => {
  const users = [newUser(), newUser()]
  const conversations = await Promise.all([world.createGroup(users[0]!, users), world.createGroup(users[1]!)])
  await world.send(users[0]!, conversations[0].id)
  const old = await world.createGroup(newUser())
  await sql`update conversations set changed_minute = changed_minute - interval '1 hour' where id = ${old.id}`.execute(
    world.db,
  )
  const { topics } = must(await world.calls.listChangedTopics({ withinMs: 5_000 }))
  expect(topics).toEqual(
    expect.arrayContaining([
      { topic: conversationTopic(conversations[0].id), version: 2 },
      { topic: conversationTopic(conversations[1].id), version: 1 },
      { topic: userTopic(users[0]!), version: 1 },
      { topic: userTopic(users[1]!), version: 2 },
    ]),
  )
  expect(topics.map(({ topic }) => topic)).not.toContain(conversationTopic(old.id))
  const longAgo = must(await world.calls.listChangedTopics({ withinMs: 2 * 60 * 60_000 }))
  expect(longAgo.topics.map(({ topic }) => topic)).toContain(conversationTopic(old.id))

  const paged: string[] = []
  for (let after: string | null | undefined; after !== null;) {
    const page = await listChangedTopics(world.db, { withinMs: 5_000, after, limit: 2 })
    paged.push(...page.topics.map(({ topic }) => topic))
    after = page.next
  }
  expect(paged).toEqual(paged.toSorted())
  expect(new Set(paged)).toEqual(new Set(topics.map(({ topic }) => topic)))
})
