import { connectBus, flush, listen, notify } from '@parley/bus'
import { silentLog, testNats } from '@parley/testing'
import { expect, test } from 'vitest'
import { kitchen } from './kitchen.ts'

const { bell } = kitchen.notices
const bytes = (text: string) => new TextEncoder().encode(text)

test('notices of one sender are heard in order, by everybody who listens to that subject', async () => {
  await using nats = await testNats()
  await using sender = await connectBus({ url: nats.url, service: 'kitchen', log: silentLog })
  await using hearer = await connectBus({ url: nats.url, service: 'waiter', log: silentLog })
  const [first, second, other]: [string[], string[], string[]] = [[], [], []]
  const into = (heard: string[]) => (data: Uint8Array) => void heard.push(new TextDecoder().decode(data))
  await using _first = await listen(hearer, bell, { table: '1' }, into(first))
  await using _second = await listen(hearer, bell, { table: '1' }, into(second))
  await using _other = await listen(hearer, bell, { table: '2' }, into(other))
  const said = Array.from({ length: 1_000 }, (_, index) => String(index))
  for (const text of said) notify(sender, bell, { table: '1' }, bytes(text))
  await flush(sender)
  await expect.poll(() => second.length).toBe(1_000)
  expect(first).toEqual(said)
  expect(second).toEqual(said)
  expect(other).toEqual([])
})

test('a handler that throws does not end the hearing', async () => {
  await using nats = await testNats()
  await using bus = await connectBus({ url: nats.url, service: 'waiter', log: silentLog })
  const heard: string[] = []
  await using _listening = await listen(bus, bell, { table: '1' }, (data) => {
    heard.push(new TextDecoder().decode(data))
    throw new Error('dropped the plates')
  })
  for (const text of ['a', 'b']) notify(bus, bell, { table: '1' }, bytes(text))
  await expect.poll(() => heard).toEqual(['a', 'b'])
})

test('nothing is heard after disposing', async () => {
  await using nats = await testNats()
  await using bus = await connectBus({ url: nats.url, service: 'waiter', log: silentLog })
  const heard: string[] = []
  const listening = await listen(bus, bell, { table: '1' }, () => void heard.push('rung'))
  await listening[Symbol.asyncDispose]()
  notify(bus, bell, { table: '1' }, bytes(''))
  await flush(bus)
  await bus.check()
  expect(heard).toEqual([])
})

test('with NATS away nobody is told that it was said; after its restart it is heard again', async () => {
  await using nats = await testNats()
  await using bus = await connectBus({ url: nats.url, service: 'waiter', log: silentLog })
  const heard: string[] = []
  await using _listening = await listen(
    bus,
    bell,
    { table: '1' },
    (data) => void heard.push(new TextDecoder().decode(data)),
  )
  const back = Promise.withResolvers<number>()
  bus.onReconnect(back.resolve)
  const killedAt = performance.now()
  await nats.kill()
  await expect.poll(() => flush(bus).catch((error: unknown) => error)).toMatchObject({ code: 'unavailable' })
  expect(() => notify(bus, bell, { table: '1' }, bytes('lost'))).toThrow('nats is away')
  await nats.restart()
  const awayMs = await back.promise
  expect(awayMs).toBeGreaterThanOrEqual(performance.now() - killedAt - 1_000)
  notify(bus, bell, { table: '1' }, bytes('found'))
  await expect.poll(() => heard).toEqual(['found'])
})

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  'with a NATS that got a %s the connection and what listens on it end in time',
  async (signal) => {
    await using nats = await testNats()
    const bus = await connectBus({ url: nats.url, service: 'waiter', log: silentLog })
    const listening = await listen(bus, bell, { table: '1' }, () => {})
    process.kill(nats.pid, signal)
    try {
      const unheard = listening[Symbol.asyncDispose]()
      const beforeMs = performance.now()
      await bus[Symbol.asyncDispose]()
      await unheard
      expect(performance.now() - beforeMs).toBeLessThan(2_000)
    } finally {
      if (signal === 'SIGSTOP') process.kill(nats.pid, 'SIGCONT')
    }
  },
)
