import { connectBus, consume, ensureStream, publishEvents, recordOf, type Bus } from '@parley/bus'
import { silentLog, testNats } from '@parley/testing'
import { expect, test } from 'vitest'
import { kitchen } from './kitchen.ts'

const connect = (url: string, service: string) => connectBus({ url, service, log: silentLog })
const aWhile = { timeout: 15_000 }

const serve = (bus: Bus, dishes: readonly string[]) =>
  publishEvents(
    bus,
    dishes.map((dish) => recordOf(kitchen.events.served, { table: '1' }, { table: '1', dish })),
    { idOf: () => undefined },
  )

const hearer = (bus: Bus, hear: (dish: string) => void | Promise<void>) =>
  consume(bus, { contract: kitchen, event: kitchen.events.served }, async ({ dish }) => hear(dish))

test('who comes later hears what was told before, and what was heard does not come again', async () => {
  await using nats = await testNats()
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await using waiterBus = await connect(nats.url, 'waiter')
  await ensureStream(kitchenBus, kitchen)
  await serve(kitchenBus, ['soup', 'fish'])
  const heard: string[] = []
  {
    await using _ = hearer(waiterBus, (dish) => void heard.push(dish))
    await expect.poll(() => heard, aWhile).toEqual(['soup', 'fish'])
  }
  await serve(kitchenBus, ['cake'])
  await using _ = hearer(waiterBus, (dish) => void heard.push(dish))
  await expect.poll(() => heard, aWhile).toEqual(['soup', 'fish', 'cake'])
})

test('instances of a service share the events, and each service hears all', async () => {
  await using nats = await testNats()
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await using first = await connect(nats.url, 'waiter')
  await using second = await connect(nats.url, 'waiter')
  await using other = await connect(nats.url, 'cashier')
  await ensureStream(kitchenBus, kitchen)
  const [byWaiters, byCashier]: [string[], string[]] = [[], []]
  await using _first = hearer(first, (dish) => void byWaiters.push(dish))
  await using _second = hearer(second, (dish) => void byWaiters.push(dish))
  await using _other = hearer(other, (dish) => void byCashier.push(dish))
  const dishes = Array.from({ length: 500 }, (_, index) => `dish ${index}`)
  await serve(kitchenBus, dishes)
  await expect.poll(() => byWaiters.toSorted(), aWhile).toEqual(dishes.toSorted())
  await expect.poll(() => byCashier, aWhile).toEqual(dishes)
})

test('an event comes again while its handler throws, and others are heard meanwhile', async () => {
  await using nats = await testNats()
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await using waiterBus = await connect(nats.url, 'waiter')
  await ensureStream(kitchenBus, kitchen)
  const heard: string[] = []
  let clumsy = 2
  await using _ = hearer(waiterBus, (dish) => {
    if (dish === 'soup' && (clumsy -= 1) >= 0) throw new Error('spilled')
    heard.push(dish)
  })
  await serve(kitchenBus, ['soup', 'fish'])
  await expect.poll(() => heard, aWhile).toEqual(['fish', 'soup'])
})

test('what is not as declared is passed over', async () => {
  await using nats = await testNats()
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await using waiterBus = await connect(nats.url, 'waiter')
  await ensureStream(kitchenBus, kitchen)
  const heard: string[] = []
  await using _ = hearer(waiterBus, (dish) => void heard.push(dish))
  await publishEvents(kitchenBus, [{ subject: 'kitchen.event.served.1', payload: 'soup' }], { idOf: () => undefined })
  await serve(kitchenBus, ['fish'])
  await expect.poll(() => heard, aWhile).toEqual(['fish'])
  const waiting = async () => {
    const manager = await kitchenBus.nats.jetstreamManager()
    return (await manager.consumers.info('KITCHEN', 'waiter-served')).num_ack_pending
  }
  await expect.poll(waiting, aWhile).toBe(0)
})

test('the stream may come later than its hearers, and NATS may go away meanwhile', async () => {
  await using nats = await testNats()
  await using waiterBus = await connect(nats.url, 'waiter')
  const heard: string[] = []
  await using _ = hearer(waiterBus, (dish) => void heard.push(dish))
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await ensureStream(kitchenBus, kitchen)
  await serve(kitchenBus, ['soup'])
  await expect.poll(() => new Set(heard), aWhile).toEqual(new Set(['soup']))
  await nats.kill()
  await nats.restart()
  const isBack = () =>
    Promise.all([kitchenBus.check(), waiterBus.check()]).then(
      () => true,
      () => false,
    )
  await expect.poll(isBack, aWhile).toBe(true)
  await serve(kitchenBus, ['fish'])
  await expect.poll(() => new Set(heard), aWhile).toEqual(new Set(['soup', 'fish']))
})

test('a hearer stops at once when there is nothing to hear', async () => {
  await using nats = await testNats()
  await using kitchenBus = await connect(nats.url, 'kitchen')
  await ensureStream(kitchenBus, kitchen)
  const heard: string[] = []
  const hearing = hearer(kitchenBus, (dish) => void heard.push(dish))
  await serve(kitchenBus, ['soup'])
  await expect.poll(() => heard, aWhile).toEqual(['soup'])
  const stoppedAt = performance.now()
  await hearing[Symbol.asyncDispose]()
  expect(performance.now() - stoppedAt).toBeLessThan(1_000)
})
