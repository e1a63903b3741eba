import { randomUUID } from 'node:crypto'
import { callerOf, connectBus, must } from '@parley/bus'
import { presence } from '@parley/contracts'
import { silentLog } from '@parley/testing'
import { expect, test, vi } from 'vitest'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000 })
const PATIENCE = { timeout: 20_000, interval: 50 }

async function callsOf(world: World, stack: AsyncDisposableStack) {
  const bus = stack.use(await connectBus({ url: world.nats.url, service: 'retention', log: silentLog }))
  const calls = callerOf(bus, presence)
  return {
    calls,
    erase: async (userId: string) => must(await calls.eraseUser({ userId, cursor: null })),
    remainsOf: async (...erasedUserIds: string[]) =>
      must(await calls.findRemains({ erasedUserIds, cursor: null })).findings.map(
        ({ store, what }) => `${store} ${what}`,
      ),
  }
}

test('a user is forgotten in Postgres, Redis and JetStream, once they have gone and others were told so', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  await world.start()
  const gateway = await world.gateway()
  const { calls, erase, remainsOf } = await callsOf(world, stack)
  const [ann, bea] = [randomUUID(), randomUUID()]
  const phone = await gateway.connect(ann)
  await gateway.connect(bea)
  await expect.poll(() => world.saidOf(ann), PATIENCE).toEqual(['online'])
  await world.set(ann, { status: 'busy', text: 'writing my memoirs' })
  await world.set(bea, { text: 'still here' })
  await expect.poll(() => world.saidOf(ann).at(-1), PATIENCE).toBe('busy')
  const { records } = must(await calls.exportUser({ userId: ann, cursor: null }))
  expect(records).toContainEqual({
    kind: 'status',
    data: { status: 'busy', text: 'writing my memoirs', until: null, visibleTo: 'everyone' },
  })

  expect((await erase(ann)).outcome).toBe('waiting')
  expect(await remainsOf(ann)).toEqual(
    expect.arrayContaining([
      'postgres status',
      'redis presence of an erased user',
      'jetstream event of an erased user',
    ]),
  )
  await gateway.disconnect(ann, phone, 'closed')
  await expect.poll(async () => (await erase(ann)).outcome, PATIENCE).toBe('done')
  expect(world.saidOf(ann).at(-1)).toBe('offline')
  await expect
    .poll(async () => {
      // What was on its way, such as the time last seen, is found by the next pass.
      await erase(ann)
      return remainsOf(ann)
    }, PATIENCE)
    .toEqual([])
  expect((await erase(ann)).outcome).toBe('done')
  expect(await world.get(bea)).toMatchObject({ text: 'still here' })
  expect(await world.statusOf(bea)).toBe('online')
})

test('of a user who was never here there is nothing to forget', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld())
  await world.start()
  const { erase, remainsOf } = await callsOf(world, stack)
  const nobody = randomUUID()
  expect((await erase(nobody)).outcome).toBe('done')
  expect(await remainsOf(nobody)).toEqual([])
})
