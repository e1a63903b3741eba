import { must } from '@parley/bus'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { killAroundEach } from './kill-around.ts'
import { keepProcess } from './start-process.ts'
import { admin, createWorld, soon, type World } from './world.ts'

const asking = (userId: string) => ({ actor: admin, userId })
const erasureOf = async (world: World, userId: string) => must(await world.calls.getErasure(asking(userId)))
const stateOf = async (world: World, userId: string) => (await erasureOf(world, userId)).state
const ask = (world: World, userId: string) => world.calls.eraseUser({ ...asking(userId), reason: 'asked for it' })

test(
  'an erasure is finished when the leader is killed before and after each thing it asks',
  { timeout: 240_000 },
  async () => {
    await using world = await createWorld()
    const order: string[] = []
    let isWaiting = true
    world.answers['auth.eraseUser'] = async () => ({
      counts: { 'postgres.sessions': 2 },
      cursor: null,
      outcome: 'done',
    })
    world.answers['messaging.eraseUser'] = async ({ cursor }) => {
      const isLast = cursor !== null || order.includes('presence null')
      if (isLast) return { counts: {}, cursor: null, outcome: 'done' }
      return { counts: { 'postgres.messages': 1 }, cursor: '1', outcome: 'more' }
    }
    world.answers['media.eraseUser'] = async ({ cursor }) => {
      if (cursor === null) return { counts: { 's3.files': 1 }, cursor: 'removal', outcome: 'more' }
      if (!isWaiting) return { counts: {}, cursor: null, outcome: 'done' }
      isWaiting = false
      return { counts: {}, cursor: 'removal', outcome: 'waiting' }
    }
    await using instance = keepProcess(world)
    const killer = killAroundEach(instance)
    for (const owner of ['auth', 'messaging', 'media', 'presence'] as const) {
      const answer = world.answers[`${owner}.eraseUser`]
      world.answers[`${owner}.eraseUser`] = (request, context) => {
        // The second look of messaging is a step of its own.
        const step = owner === 'messaging' && order.includes('presence null') ? 'last messaging' : owner
        order.push(`${step} ${request.cursor}`)
        return killer.around(`${step} ${request.cursor}`, () => answer(request, context))
      }
    }
    const userId = v4()
    await expect.poll(() => ask(world, userId).then(({ ok }) => ok), { timeout: 60_000 }).toBe(true)
    const state = async () => (await world.db.selectFrom('jobs').select('state').executeTakeFirstOrThrow()).state
    await expect.poll(state, { timeout: 200_000 }).toBe('done')
    killer.stop()
    expect(killer.labels).toEqual([
      'auth null',
      'messaging null',
      'messaging 1',
      'media null',
      'media removal',
      'presence null',
      'last messaging null',
    ])
    expect(instance.kills).toBeGreaterThanOrEqual(12)
    // Never back to what was done: only the same again, or the next.
    const places = order.map((step) => killer.labels.indexOf(step))
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    await expect.poll(() => world.calls.getErasure(asking(userId)).then(({ ok }) => ok), soon).toBe(true)
    const { steps, finishedAt } = await erasureOf(world, userId)
    expect(steps.map((step) => step.state)).toEqual(Array.from({ length: 6 }, () => 'done'))
    expect(finishedAt).not.toBeNull()
    await expect
      .poll(async () => (await world.decisions()).map(({ action }) => action), soon)
      .toEqual(['erasure-requested', 'erasure-finished'])
  },
)

test('what is answered to an instance that leads no longer is not counted', async () => {
  await using world = await createWorld()
  const late = Promise.withResolvers<void>()
  let asked = 0
  world.answers['messaging.eraseUser'] = async ({ cursor }) => {
    asked += 1
    if (asked === 1) await late.promise
    if (cursor !== null) return { counts: { 'postgres.messages': 5 }, cursor: null, outcome: 'done' }
    return { counts: { 'postgres.messages': 100 }, cursor: '1', outcome: 'more' }
  }
  await world.start({ leadEveryMs: 60_000 })
  const userId = v4()
  must(await ask(world, userId))
  await expect.poll(() => asked, soon).toBe(1)
  const [leader] = await world.leaders()
  await world.start()
  await world.terminate(leader!)
  await expect.poll(async () => (await erasureOf(world, userId)).steps[1]?.state, soon).toBe('done')
  late.resolve()
  // By the time that another one is done, the late answer is heard.
  const otherId = v4()
  must(await ask(world, otherId))
  for (const id of [userId, otherId]) await expect.poll(() => stateOf(world, id), soon).toBe('done')
  const { steps } = await erasureOf(world, userId)
  expect(steps[1]?.counts).toEqual({ 'postgres.messages': 105 })
})

test('a hold that comes in the middle stops an erasure, which goes on from there', async () => {
  await using world = await createWorld()
  const cursors: (string | null)[] = []
  const second = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  world.answers['messaging.eraseUser'] = async ({ cursor }) => {
    cursors.push(cursor)
    if (cursor === '1') {
      second.resolve()
      await goOn.promise
    }
    const page = Number(cursor ?? 0)
    if (page === 3) return { counts: { 'held.messages': 2 }, cursor: null, outcome: 'done' }
    return { counts: { 'postgres.messages': 1 }, cursor: String(page + 1), outcome: 'more' }
  }
  await world.start()
  const userId = v4()
  must(await ask(world, userId))
  await second.promise
  const hold = must(await world.calls.placeHold({ actor: admin, userId, reason: 'case 17' }))
  const other = must(await world.calls.placeHold({ actor: admin, userId, reason: 'case 18' }))
  goOn.resolve()
  await expect.poll(() => stateOf(world, userId), soon).toBe('held')
  expect((await erasureOf(world, userId)).steps[1]).toMatchObject({ state: 'held', counts: { 'postgres.messages': 2 } })
  must(await world.calls.releaseHold({ actor: admin, holdId: hold.id }))
  // It was looked at again, and is still held by the other one.
  const waits = async () => (await world.db.selectFrom('jobs').select('waits').executeTakeFirstOrThrow()).waits
  await expect.poll(waits, soon).toBeGreaterThan(0)
  expect(await stateOf(world, userId)).toBe('held')
  expect(cursors).toEqual([null, '1'])
  must(await world.calls.releaseHold({ actor: admin, holdId: other.id }))
  await expect.poll(() => stateOf(world, userId), soon).toBe('done')
  expect(cursors).toEqual([null, '1', '2', '3', null, '1', '2', '3'])
  expect((await erasureOf(world, userId)).steps[1]?.counts).toEqual({ 'postgres.messages': 3, 'held.messages': 2 })
})

test('erasures that take long do not keep others waiting', async () => {
  await using world = await createWorld()
  const slow = new Set([v4(), v4(), v4()])
  const stuck = Promise.withResolvers<void>()
  world.answers['messaging.eraseUser'] = async ({ userId }) => {
    if (slow.has(userId)) await stuck.promise
    return { counts: {}, cursor: null, outcome: 'done' }
  }
  await world.start()
  for (const userId of slow) must(await ask(world, userId))
  await expect.poll(() => world.asked['messaging.eraseUser'].length, soon).toBe(3)
  const others = Array.from({ length: 5 }, () => v4())
  for (const userId of others) must(await ask(world, userId))
  for (const userId of others) await expect.poll(() => stateOf(world, userId), soon).toBe('done')
  for (const userId of slow) expect(await stateOf(world, userId)).toBe('running')
  stuck.resolve()
  for (const userId of slow) await expect.poll(() => stateOf(world, userId), soon).toBe('done')
})

test('an owner that waits for long is asked less and less often, and keeps its place', async () => {
  await using world = await createWorld()
  const times: number[] = []
  world.answers['media.eraseUser'] = async ({ cursor }) => {
    if (cursor === null) return { counts: { 's3.files': 3 }, cursor: 'removal', outcome: 'more' }
    times.push(performance.now())
    const isOver = times.length === 4
    return { counts: {}, cursor: isOver ? null : 'removal', outcome: isOver ? 'done' : 'waiting' }
  }
  await world.start()
  const userId = v4()
  must(await ask(world, userId))
  await expect.poll(() => stateOf(world, userId), { timeout: 25_000 }).toBe('done')
  const [first = 0, second = 0, third = 0] = times.slice(1).map((time, index) => time - times[index]!)
  expect(first).toBeGreaterThanOrEqual(900)
  expect(second).toBeGreaterThanOrEqual(1_900)
  expect(third).toBeGreaterThanOrEqual(3_900)
  expect(world.asked['media.eraseUser'].map(({ cursor }) => cursor)).toEqual([null, ...times.map(() => 'removal')])
  expect((await erasureOf(world, userId)).steps[2]?.counts).toEqual({ 's3.files': 3 })
})

test('asked for by two at once, there is one erasure', async () => {
  await using world = await createWorld()
  await Promise.all([world.start(), world.start()])
  const userId = v4()
  const asked = await Promise.all(Array.from({ length: 8 }, () => ask(world, userId)))
  expect(new Set(asked.map((answer) => must(answer).id)).size).toBe(1)
  await expect.poll(() => stateOf(world, userId), soon).toBe('done')
  expect(world.asked['auth.eraseUser']).toHaveLength(1)
  await expect
    .poll(async () => (await world.decisions()).map(({ action }) => action), soon)
    .toEqual(['erasure-requested', 'erasure-finished'])
})
