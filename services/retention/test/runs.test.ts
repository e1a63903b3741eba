import { refuse } from '@parley/contracts'
import { describe, expect, test, vi } from 'vitest'
import { createWorld, made, soon } from './world.ts'

describe('a run', () => {
  test('of each kind comes at the start: months are made ahead and expired ones dropped', async () => {
    await using world = await createWorld()
    world.clock.set('2027-12-03T00:00:00.000Z')
    world.answers['messaging.dropMonths'] = async () => ({ dropped: ['messages_2026_11'], busy: [], kept: [] })
    await world.start()
    const startedAt = '2027-12-03T00:00:00.000Z'
    await expect.poll(() => world.events(), soon).toHaveLength(4)
    expect(world.asked).toMatchObject({
      'messaging.createMonths': [{ ahead: 3 }],
      'messaging.expireMessages': [{ cursor: null, leaveDefaultToMonths: false }],
      'messaging.dropMonths': [{}],
      'presence.findRemains': [{ erasedUserIds: [], cursor: null }],
    })
    expect(await world.events()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'create-months', result: 'done', months: made.created, startedAt }),
        expect.objectContaining({ kind: 'drop-months', result: 'done', months: ['messages_2026_11'], startedAt }),
      ]),
    )
    const runs = await world.runs()
    expect(runs.map(({ id }) => id).toSorted()).toEqual((await world.events()).map(({ runId }) => runId).toSorted())
    expect(runs.every(({ endedAt, errorCode }) => endedAt !== null && errorCode === null)).toBe(true)
  })

  test('comes again at the times of its schedule', async () => {
    await using world = await createWorld({ schedules: { 'create-months': '* * * * * *' } })
    await world.start()
    await vi.waitFor(() => expect(world.asked['messaging.createMonths'].length).toBeGreaterThanOrEqual(3), soon)
    expect(world.asked['messaging.dropMonths']).toHaveLength(1)
  })

  test('that failed is recorded, and tried again until it is done', async () => {
    await using world = await createWorld()
    await world.stopMessaging()
    await world.start()
    const ended = async () => (await world.runs()).filter(({ endedAt }) => endedAt !== null)
    await vi.waitFor(async () => expect((await ended()).length).toBeGreaterThanOrEqual(4), soon)
    for (const run of await ended()) {
      expect(run).toMatchObject({ result: 'failed', errorCode: 'unavailable', months: [] })
    }
    await world.startMessaging()
    await expect.poll(async () => (await world.runs()).filter(({ result }) => result === 'done'), soon).toHaveLength(4)
    await expect.poll(async () => (await world.events()).length, soon).toBe((await world.runs()).length)
  })

  test('of one kind that cannot be done does not keep back the other', async () => {
    await using world = await createWorld()
    world.answers['messaging.createMonths'] = async () => {
      throw refuse.unavailable()
    }
    await world.start()
    await expect
      .poll(async () => (await world.runs()).map(({ kind, result }) => `${kind} ${result}`), soon)
      .toEqual(expect.arrayContaining(['create-months failed', 'drop-months done']))
    world.answers['messaging.createMonths'] = async () => made
    await expect
      .poll(async () => (await world.runs()).at(-1), soon)
      .toMatchObject({ kind: 'create-months', result: 'done' })
    expect(world.asked['messaging.dropMonths']).toHaveLength(1)
  })

  test('that found a month in use is told as busy, with what it did, and comes again', async () => {
    await using world = await createWorld()
    const answers = [
      { dropped: ['messages_2025_08'], busy: ['messages_2025_09'], kept: [] },
      { dropped: ['messages_2025_09'], busy: [], kept: [] },
    ]
    world.answers['messaging.dropMonths'] = async () => answers.shift() ?? { dropped: [], busy: [], kept: [] }
    await world.start()
    const drops = async () => (await world.runs()).filter(({ kind }) => kind === 'drop-months')
    await expect.poll(drops, soon).toMatchObject([
      { result: 'busy', months: ['messages_2025_08'] },
      { result: 'done', months: ['messages_2025_09'] },
    ])
  })

  test('under way when the service stops ends as interrupted', async () => {
    await using world = await createWorld()
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<typeof made>()
    world.answers['messaging.createMonths'] = () => {
      asked.resolve()
      return answer.promise
    }
    const retention = await world.start()
    await asked.promise
    await retention[Symbol.asyncDispose]()
    answer.resolve(made)
    const [run] = (await world.runs()).filter(({ kind }) => kind === 'create-months')
    expect(run).toMatchObject({ result: 'failed', errorCode: 'interrupted' })
  })
})

test('the figures for alarms tell the last success and the months ahead, now', async () => {
  await using world = await createWorld()
  const { port } = await world.start()
  await expect.poll(async () => (await world.runs()).filter(({ endedAt }) => endedAt), soon).toHaveLength(4)
  const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const seconds = Date.parse('2026-11-22T12:00:00.000Z') / 1_000
  expect(await metrics()).toContain(
    `retention_last_success_timestamp_seconds{kind="drop-months",service="retention"} ${seconds}`,
  )
  expect(await metrics()).toContain('retention_months_ahead{service="retention"} 1')
  world.clock.set('2027-01-01T00:00:00.000Z')
  expect(await metrics()).toContain('retention_months_ahead{service="retention"} -1')
})

test('the service is ready while NATS and Postgres answer and there are months to come', async () => {
  await using world = await createWorld()
  const { port } = await world.start()
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).json()
  const checks = { nats: 'ok', postgres: 'ok', s3: 'ok', 'oldest message': 'ok', 'partitions ahead': 'ok' }
  await expect.poll(ready, soon).toEqual({ status: 'ready', checks })
  world.clock.set('2027-06-01T00:00:00.000Z')
  expect(await ready()).toMatchObject({ status: 'unready', checks: { 'partitions ahead': '-6 months ahead' } })
})
