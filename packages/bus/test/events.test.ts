import { connectBus, ensureStream, publishEvents, recordOf } from '@parley/bus'
import { silentLog, testNats, type TestServer } from '@parley/testing'
import { AckPolicy, connect } from 'nats'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kitchen } from './kitchen.ts'

let nats: TestServer
beforeAll(async () => {
  nats = await testNats()
})
afterAll(() => nats[Symbol.asyncDispose]())

const openBus = (url = nats.url) => connectBus({ url, service: 'kitchen', log: silentLog })
const served = (table: string, dish: string) => recordOf(kitchen.events.served, { table }, { table, dish })

/** The dishes that someone who knows nothing of Parley hears with a durable consumer, at most `count` of them. */
async function hear(name: string, table: string, count: number, url = nats.url): Promise<string[]> {
  const outsider = await connect({ servers: new URL(url).host })
  try {
    const { consumers } = await outsider.jetstreamManager()
    await consumers.add('KITCHEN', {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      filter_subject: `kitchen.event.served.${table}`,
    })
    const consumer = await outsider.jetstream().consumers.get('KITCHEN', name)
    const dishes: string[] = []
    for await (const message of await consumer.fetch({ max_messages: count, expires: 2_000 })) {
      dishes.push(message.json<{ dish: string }>().dish)
      await message.ackAck()
    }
    return dishes
  } finally {
    await outsider.close()
  }
}

test('events are stored, and heard in order by a consumer that comes later', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  await publishEvents(bus, [served('1', 'soup'), served('1', 'fish'), served('2', 'cake')], {
    idOf: (index) => `first-${index}`,
  })
  expect(await hear('waiter', '1', 2)).toEqual(['soup', 'fish'])
})

test('an event published again with the same id is stored once', async () => {
  await using bus = await openBus()
  await ensureStream(bus, kitchen)
  const publish = () =>
    publishEvents(bus, [served('3', 'soup'), served('3', 'fish')], { idOf: (index) => `3-${index}` })
  await publish()
  await publish()
  await publishEvents(bus, [served('3', 'end')], { idOf: () => '3-end' })
  expect(await hear('counter', '3', 3)).toEqual(['soup', 'fish', 'end'])
})

test('an event that is not as declared is refused before it leaves', () => {
  expect(() => recordOf(kitchen.events.served, { table: '1' }, { table: '1' } as never)).toThrow()
  expect(() => recordOf(kitchen.events.served, {}, { table: '1', dish: 'soup' })).toThrow('needs a table')
})

test('several instances may make the stream at the same time, and again at each start', async () => {
  await using ownNats = await testNats()
  await using first = await openBus(ownNats.url)
  await using second = await openBus(ownNats.url)
  await Promise.all([ensureStream(first, kitchen), ensureStream(second, kitchen), ensureStream(first, kitchen)])
  await ensureStream(second, kitchen)
  const manager = await first.nats.jetstreamManager()
  const { config } = await manager.streams.info('KITCHEN')
  expect(config).toMatchObject({ subjects: ['kitchen.event.>'], storage: 'file', retention: 'limits' })
})

test('events of a stream that does not exist are not taken for stored', async () => {
  await using ownNats = await testNats()
  await using bus = await openBus(ownNats.url)
  await expect(publishEvents(bus, [served('1', 'soup')], { idOf: () => '1' })).rejects.toThrow()
})

test('while NATS is away publishing fails at once; after its restart, what was stored is still there', async () => {
  await using ownNats = await testNats()
  await using bus = await openBus(ownNats.url)
  await ensureStream(bus, kitchen)
  await publishEvents(bus, [served('1', 'soup')], { idOf: () => '1' })
  await ownNats.kill()
  const begun = performance.now()
  await expect
    .poll(() => publishEvents(bus, [served('1', 'lost')], { idOf: () => 'x' }).catch((error: unknown) => error))
    .toMatchObject({ code: 'unavailable' })
  expect(performance.now() - begun).toBeLessThan(1_000)
  await ownNats.restart()
  await vi.waitFor(() => publishEvents(bus, [served('1', 'fish')], { idOf: () => '2' }), { timeout: 15_000 })
  expect(await hear('waiter', '1', 2, ownNats.url)).toEqual(['soup', 'fish'])
})
