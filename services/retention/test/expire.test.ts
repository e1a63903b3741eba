import { must } from '@parley/bus'
import { refuse } from '@parley/contracts'
import { expect, test } from 'vitest'
import { admin, createWorld, soon } from './world.ts'

test('what has expired is deleted a part at a time, and the run counts all of it while it goes on', async () => {
  await using world = await createWorld({ leaveDefaultToMonths: true })
  const last = Promise.withResolvers<void>()
  world.answers['messaging.expireMessages'] = async ({ cursor }) => {
    const page = Number(cursor ?? 0)
    if (page === 3) await last.promise
    const counts = { 'postgres.messages': 1_000, [`page.${page}`]: 1 }
    return page < 3 ? { counts, cursor: String(page + 1), outcome: 'more' } : { counts, cursor: null, outcome: 'busy' }
  }
  await world.start()
  await expect
    .poll(async () => (await world.runs('expire'))[0], soon)
    .toMatchObject({ endedAt: null, counts: { 'postgres.messages': 3_000 } })
  world.answers['messaging.expireMessages'] = async () => ({ counts: {}, cursor: null, outcome: 'done' })
  last.resolve()
  await expect
    .poll(
      async () => (await world.runs('expire')).map(({ result, counts }) => [result, counts['postgres.messages']]),
      soon,
    )
    .toEqual([
      ['busy', 4_000],
      ['done', undefined],
    ])
  expect(world.asked['messaging.expireMessages'][0]).toEqual({ cursor: null, leaveDefaultToMonths: true })
  const { runs } = must(await world.calls.listRuns({ actor: admin, kind: 'expire' }))
  expect(runs.map(({ result }) => result)).toEqual(['done', 'busy'])
})

test('a run that is asked for begins soon, on whichever instance leads, and once', async () => {
  await using world = await createWorld()
  await Promise.all([world.start(), world.start()])
  const done = async () => (await world.runs('drop-months')).filter(({ result }) => result === 'done').length
  await expect.poll(done, soon).toBe(1)
  for (let turn = 0; turn < 3; turn += 1) must(await world.calls.startRun({ actor: admin, kind: 'drop-months' }))
  await expect.poll(done, soon).toBeGreaterThan(1)
  await expect.poll(async () => world.db.selectFrom('requestedRuns').selectAll().execute(), soon).toEqual([])
  expect(await done()).toBeLessThanOrEqual(4)
})

test('runs are listed the newest first, page by page', async () => {
  await using world = await createWorld()
  await world.start()
  await expect.poll(async () => (await world.runs()).filter(({ endedAt }) => endedAt !== null), soon).toHaveLength(4)
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = must(await world.calls.listRuns({ actor: admin, limit: 3, ...(cursor !== undefined && { cursor }) }))
    found.push(...page.runs.map(({ id }) => id))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  expect(found.toSorted()).toEqual((await world.runs()).map(({ id }) => id).toSorted())
})

test('while messaging does not know the rules nothing is deleted', async () => {
  await using world = await createWorld()
  world.answers['messaging.setRetentionRules'] = async () => {
    throw refuse.unavailable()
  }
  await world.start()
  await expect
    .poll(async () => (await world.runs('expire', 'drop-months')).map(({ errorCode }) => errorCode).slice(0, 2), soon)
    .toEqual(['unavailable', 'unavailable'])
  expect(world.asked['messaging.expireMessages']).toEqual([])
  expect(world.asked['messaging.dropMonths']).toEqual([])
})
