import { testPostgres } from '@parley/testing'
import { describe, expect, test, vi } from 'vitest'
import { startProcess } from './start-process.ts'
import { createWorld, made, soon } from './world.ts'

describe('among several instances', () => {
  test('one leads, and the others do nothing', async () => {
    await using world = await createWorld({ schedules: { 'create-months': '* * * * * *' } })
    await Promise.all([world.start(), world.start(), world.start()])
    await vi.waitFor(() => expect(world.asked['messaging.createMonths'].length).toBeGreaterThanOrEqual(3), soon)
    // Whoever leads begins with a run of each kind.
    await expect.poll(() => world.asked['messaging.dropMonths'], soon).toHaveLength(1)
    expect(await world.leaders()).toHaveLength(1)
  })

  test('another takes over when the leader stops', async () => {
    await using world = await createWorld()
    const first = await world.start()
    const done = async () => (await world.runs()).filter(({ result }) => result === 'done')
    await expect.poll(done, soon).toHaveLength(4)
    const [leader] = await world.leaders()
    await world.start()
    await first[Symbol.asyncDispose]()
    await expect.poll(async () => (await world.leaders()).filter((pid) => pid !== leader), soon).toHaveLength(1)
    await expect.poll(done, soon).toHaveLength(8)
  })

  test('another takes over when the leader loses its connection, and ends its run', async () => {
    await using world = await createWorld()
    const answers = [new Promise<typeof made>(() => undefined)]
    world.answers['messaging.createMonths'] = async () => answers.shift() ?? made
    // The first one is slow to try again: the lead is the second's before.
    await world.start({ leadEveryMs: 60_000 })
    await vi.waitFor(() => expect(world.asked['messaging.createMonths']).toHaveLength(1), soon)
    await world.start()
    const [leader] = await world.leaders()
    await world.terminate(leader!)
    const creates = async () => (await world.runs()).filter(({ kind }) => kind === 'create-months')
    await expect.poll(creates, soon).toMatchObject([{ result: 'failed', errorCode: 'interrupted' }, { result: 'done' }])
    expect(await world.leaders()).not.toContain(leader)
    expect(await world.leaders()).toHaveLength(1)
  })

  test('another takes over when the leader is killed, and ends the run it left', async () => {
    await using world = await createWorld()
    const answers = [new Promise<typeof made>(() => undefined)]
    world.answers['messaging.createMonths'] = async () => answers.shift() ?? made
    await using leader = startProcess(world)
    await vi.waitFor(() => expect(world.asked['messaging.createMonths']).toHaveLength(1), soon)
    await world.start()
    await leader[Symbol.asyncDispose]()
    const creates = async () => (await world.runs()).filter(({ kind }) => kind === 'create-months')
    await expect.poll(creates, soon).toMatchObject([{ result: 'failed', errorCode: 'interrupted' }, { result: 'done' }])
    const [left] = await creates()
    await expect
      .poll(() => world.events(), soon)
      .toContainEqual(expect.objectContaining({ runId: left!.id, result: 'failed' }))
  })

  test('one leads again after Postgres was away', async () => {
    await using postgres = await testPostgres()
    await using world = await createWorld({}, postgres.url)
    const instances = [await world.start(), await world.start()]
    const done = async () => (await world.runs()).filter(({ result }) => result === 'done')
    await expect.poll(done, soon).toHaveLength(4)
    await postgres.kill()
    const readiness = ({ port }: { port: number }) => fetch(`http://127.0.0.1:${port}/health/ready`)
    for (const instance of instances) expect((await readiness(instance)).status).toBe(503)
    await postgres.restart()
    await expect.poll(done, soon).toHaveLength(8)
    expect(await world.leaders()).toHaveLength(1)
    for (const instance of instances) expect((await readiness(instance)).status).toBe(200)
  })
})
