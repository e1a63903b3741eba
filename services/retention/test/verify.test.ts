import { connectBus } from '@parley/bus'
import { silentLog } from '@parley/testing'
import { v4 } from 'uuid'
import { expect, test } from 'vitest'
import { createWorld, soon, type World } from './world.ts'

const owners = ['auth', 'messaging', 'media', 'presence'] as const

const verified = async (world: World) => (await world.runs('verify')).find(({ endedAt }) => endedAt !== null)

async function keepErased(world: World, userIds: readonly string[]): Promise<void> {
  const at = new Date('2026-11-01T00:00:00.000Z')
  const rows = userIds.map((userId) => ({
    id: v4(),
    kind: 'erasure' as const,
    userId,
    requestedBy: v4(),
    requestedAt: at,
    reason: 'asked for it',
    state: 'done' as const,
    finishedAt: at,
    size: null,
    keptUntil: null,
    zipId: null,
  }))
  for (let start = 0; start < rows.length; start += 1_000) {
    await world.db
      .insertInto('jobs')
      .values(rows.slice(start, start + 1_000))
      .execute()
  }
}

test('every owner is asked page by page for what should be gone, with the users whose erasure is done', async () => {
  await using world = await createWorld({ leaveDefaultToMonths: true })
  const erased = [v4(), v4()]
  await keepErased(world, erased)
  const underWay = v4()
  await world.db
    .insertInto('jobs')
    .values({ id: v4(), kind: 'export', userId: underWay, requestedBy: v4(), requestedAt: new Date() } as never)
    .execute()
  const finding = { store: 'postgres', what: 'message', id: v4() }
  world.answers['messaging.findRemains'] = async ({ cursor }) => {
    const counts = { 'postgres.messages': 10 }
    if (cursor === null) return { counts, findings: [], cursor: 'next' }
    return { counts, findings: [finding], cursor: null }
  }
  await world.start()
  await expect
    .poll(() => verified(world), soon)
    .toMatchObject({
      result: 'remains',
      findings: [finding],
      counts: { 'messaging.postgres.messages': 20, findings: 1 },
    })
  for (const owner of owners) {
    for (const { erasedUserIds } of world.asked[`${owner}.findRemains`]) {
      expect(erasedUserIds.toSorted()).toEqual(erased.toSorted())
    }
  }
  expect(world.asked['messaging.findRemains']).toMatchObject([
    { cursor: null, leaveDefaultToMonths: true },
    { cursor: 'next', leaveDefaultToMonths: true },
  ])
  const told = async () => (await world.events()).find(({ kind }) => kind === 'verify')
  await expect.poll(told, soon).toMatchObject({ result: 'remains' })
})

test('what remains is told once, counted whole, and kept as the first hundred', async () => {
  await using world = await createWorld()
  world.answers['media.findRemains'] = async ({ cursor }) => {
    const page = Number(cursor ?? 0)
    const findings = Array.from({ length: 90 }, (_, index) => ({ store: 's3', what: 'file', id: `${page} ${index}` }))
    return { counts: {}, findings, cursor: page === 2 ? null : String(page + 1) }
  }
  const { port } = await world.start()
  await expect.poll(() => verified(world), soon).toMatchObject({ result: 'remains', counts: { findings: 270 } })
  expect((await verified(world))?.findings).toHaveLength(100)
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^retention_findings\{.*\} 270$/m)
  expect(await world.runs('verify')).toHaveLength(1)
})

test('more erased users than are asked for at once are all asked for', async () => {
  await using world = await createWorld()
  const erased = Array.from({ length: 5_001 }, () => v4())
  await keepErased(world, erased)
  await world.start()
  await expect.poll(() => verified(world), { timeout: 20_000 }).toMatchObject({ result: 'done' })
  for (const owner of owners) {
    const asked = world.asked[`${owner}.findRemains`].flatMap(({ erasedUserIds }) => erasedUserIds)
    expect(asked.toSorted()).toEqual(erased.toSorted())
  }
})

test('an owner that does not answer is not taken for one that keeps nothing', async () => {
  await using world = await createWorld()
  world.answers['presence.findRemains'] = async () => {
    throw new Error('out of order')
  }
  await world.start()
  await expect.poll(() => verified(world), soon).toMatchObject({ result: 'failed', errorCode: 'internal' })
})

test('a stream of its own that keeps events too long is found', async () => {
  await using world = await createWorld()
  await world.start()
  await expect.poll(() => verified(world), soon).toMatchObject({ result: 'done', findings: [] })
  await using bus = await connectBus({ url: world.natsUrl, service: 'retention', log: silentLog })
  const { streams } = await bus.nats.jetstreamManager()
  await streams.update('RETENTION', { max_age: 0 })
  await world.db.insertInto('requestedRuns').values({ kind: 'verify', requestedAt: new Date() }).execute()
  await expect
    .poll(async () => (await world.runs('verify'))[1], soon)
    .toMatchObject({
      result: 'remains',
      findings: [{ store: 'jetstream', what: 'events that are kept too long', id: 'RETENTION' }],
    })
})
