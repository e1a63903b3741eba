import { must } from '@parley/bus'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { admin, createWorld, soon, type World } from './world.ts'

const asking = (userId: string) => ({ actor: admin, userId })
const erasureOf = async (world: World, userId: string) => must(await world.calls.getErasure(asking(userId)))
const stateOf = async (world: World, userId: string) => (await erasureOf(world, userId)).state
const ask = (world: World, userId: string) => world.calls.eraseUser({ ...asking(userId), reason: 'asked for it' })

test('every owner is asked in order until nothing is left, and the report accounts for each', async () => {
  await using world = await createWorld()
  const order: string[] = []
  const pages = [
    { counts: { 'postgres.messages': 200 }, cursor: 'next', outcome: 'more' as const },
    { counts: { 'postgres.messages': 7 }, cursor: null, outcome: 'done' as const },
  ]
  world.answers['auth.eraseUser'] = async () => {
    order.push('auth')
    return { counts: { 'postgres.sessions': 2 }, cursor: null, outcome: 'done' }
  }
  world.answers['messaging.eraseUser'] = async ({ cursor }) => {
    order.push(`messaging ${cursor}`)
    return pages.shift() ?? { counts: {}, cursor: null, outcome: 'done' }
  }
  await world.start()
  const userId = v4()
  const asked = must(await ask(world, userId))
  expect(asked).toMatchObject({ userId, reason: 'asked for it', finishedAt: null })
  await expect.poll(() => stateOf(world, userId), soon).toBe('done')
  const { steps } = await erasureOf(world, userId)
  expect(steps.map(({ service, state, counts }) => ({ service, state, counts }))).toEqual([
    { service: 'auth', state: 'done', counts: { 'postgres.sessions': 2 } },
    { service: 'messaging', state: 'done', counts: { 'postgres.messages': 207 } },
    { service: 'media', state: 'done', counts: {} },
    { service: 'presence', state: 'done', counts: {} },
    { service: 'messaging', state: 'done', counts: {} },
    { service: 'retention', state: 'done', counts: { 's3.exports': 0 } },
  ])
  expect(order).toEqual(['auth', 'messaging null', 'messaging next', 'messaging null'])
  await expect
    .poll(async () => (await world.decisions()).map(({ action, userId: about }) => [action, about]), soon)
    .toEqual([
      ['erasure-requested', userId],
      ['erasure-finished', userId],
    ])
  const again = must(await ask(world, userId))
  expect(again).toMatchObject({ id: asked.id, state: 'done' })
})

test('an owner that waits or fails is asked again, and those after it are not asked before', async () => {
  await using world = await createWorld()
  const answers = ['waiting', 'failed', 'waiting']
  world.answers['media.eraseUser'] = async () => {
    const answer = answers.shift()
    if (answer === 'failed') throw new Error('out of order')
    return { counts: { 's3.objects': 1 }, cursor: null, outcome: answer === undefined ? 'done' : 'waiting' }
  }
  await world.start()
  const userId = v4()
  must(await ask(world, userId))
  await expect.poll(async () => (await erasureOf(world, userId)).steps[2]?.state, soon).toBe('waiting')
  expect(world.asked['presence.eraseUser']).toEqual([])
  await expect.poll(() => stateOf(world, userId), { timeout: 25_000 }).toBe('done')
  expect((await erasureOf(world, userId)).steps[2]?.counts).toEqual({ 's3.objects': 3 })
})

test('a leader that is gone in the middle leaves the place where the next one goes on', async () => {
  await using world = await createWorld()
  const cursors: (string | null)[] = []
  const stuck = new Promise<never>(() => undefined)
  let isStuck = true
  world.answers['messaging.eraseUser'] = async ({ cursor }) => {
    cursors.push(cursor)
    if (cursor === '3' && isStuck) return stuck
    const page = Number(cursor ?? 0)
    if (page === 5) return { counts: { 'postgres.messages': 1 }, cursor: null, outcome: 'done' }
    return { counts: { 'postgres.messages': 1 }, cursor: String(page + 1), outcome: 'more' }
  }
  await world.start()
  const userId = v4()
  must(await ask(world, userId))
  await expect.poll(() => cursors, soon).toEqual([null, '1', '2', '3'])
  isStuck = false
  const [leader] = await world.leaders()
  await world.start()
  await world.terminate(leader!)
  await expect.poll(() => stateOf(world, userId), { timeout: 25_000 }).toBe('done')
  expect(cursors.slice(4, 7)).toEqual(['3', '4', '5'])
  expect((await erasureOf(world, userId)).steps[1]?.counts).toEqual({ 'postgres.messages': 6 })
})

test('nothing of a user is erased while a legal hold on them lasts', async () => {
  await using world = await createWorld()
  await world.start()
  const userId = v4()
  const hold = must(await world.calls.placeHold({ actor: admin, userId, reason: 'case 17' }))
  must(await ask(world, userId))
  await expect.poll(() => stateOf(world, userId), soon).toBe('held')
  expect(world.asked['auth.eraseUser']).toEqual([])
  must(await world.calls.releaseHold({ actor: admin, holdId: hold.id }))
  await expect.poll(() => stateOf(world, userId), soon).toBe('done')
})

test('users who do not exist are refused, and erasures nobody has asked for', async () => {
  await using world = await createWorld()
  world.answers['auth.getUsers'] = async () => ({ users: [] })
  await world.start()
  const userId = v4()
  expect(await ask(world, userId)).toMatchObject({ refusal: { code: 'user_not_found' } })
  expect(await world.calls.getErasure(asking(userId))).toMatchObject({ refusal: { code: 'erasure_not_found' } })
})

test('a verification is told of the users whose erasure is done', async () => {
  await using world = await createWorld()
  await world.start()
  const userId = v4()
  must(await ask(world, userId))
  await expect.poll(() => stateOf(world, userId), soon).toBe('done')
  world.answers['presence.findRemains'] = async ({ erasedUserIds }) => ({
    counts: { 'redis.users': erasedUserIds.length },
    findings: erasedUserIds.map((id) => ({ store: 'redis', what: 'user', id })),
    cursor: null,
  })
  must(await world.calls.startRun({ actor: admin, kind: 'verify' }))
  await expect
    .poll(async () => (await world.runs('verify')).at(-1), soon)
    .toMatchObject({
      result: 'remains',
      counts: { 'presence.redis.users': 1, findings: 1 },
      findings: [{ store: 'redis', what: 'user', id: userId }],
    })
})
