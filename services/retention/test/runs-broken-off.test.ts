import type { CallContext } from '@parley/bus'
import { expect, test } from 'vitest'
import { killAroundEach } from './kill-around.ts'
import { keepProcess } from './start-process.ts'
import { createWorld } from './world.ts'

const steps = [
  'messaging.setRetentionRules',
  'messaging.createMonths',
  'messaging.expireMessages',
  'messaging.dropMonths',
  'messaging.findRemains',
  'presence.findRemains',
] as const

test(
  'every run is done when the leader is killed before and after each thing it asks, and none is left without an end',
  { timeout: 360_000 },
  async () => {
    await using world = await createWorld()
    world.answers['messaging.expireMessages'] = async ({ cursor }) => {
      const page = Number(cursor ?? 0)
      const counts = { 'postgres.messages': 10 }
      return page < 2
        ? { counts, cursor: String(page + 1), outcome: 'more' }
        : { counts, cursor: null, outcome: 'done' }
    }
    await using instance = keepProcess(world)
    const killer = killAroundEach(instance)
    for (const step of steps) {
      const answer = world.answers[step] as (request: unknown, context: CallContext) => Promise<unknown>
      const killing = (request: { cursor?: string | null }, context: CallContext) =>
        killer.around(`${step} ${request.cursor ?? ''}`, () => answer(request, context))
      world.answers[step] = killing as never
    }
    const kinds = async () => {
      const done = (await world.runs()).filter(({ result }) => result === 'done')
      return [...new Set(done.map(({ kind }) => kind))].toSorted()
    }
    await expect
      .poll(async () => [killer.labels.length, ...(await kinds())], { timeout: 300_000 })
      .toEqual([steps.length + 2, 'create-months', 'drop-months', 'expire', 'verify'])
    killer.stop()
    expect(instance.kills).toBeGreaterThanOrEqual(10)
    const runs = await world.runs()
    for (const { kind } of runs) {
      // Of a kind at most the last one goes on: whoever leads ends what was left before it begins anew.
      const open = runs.filter((run) => run.kind === kind && run.endedAt === null)
      expect(open.length).toBeLessThanOrEqual(1)
    }
    expect(runs.some(({ errorCode }) => errorCode === 'interrupted')).toBe(true)
    // What was counted by a run that was broken off is not counted again by the one that did it anew.
    const expired = runs.filter(({ kind, result }) => kind === 'expire' && result === 'done')
    for (const { counts } of expired) expect(counts['postgres.messages']).toBe(30)
    await expect
      .poll(
        async () => {
          const ended = (await world.runs()).filter(({ endedAt }) => endedAt !== null).map(({ id }) => id)
          const told = new Set((await world.events()).map(({ runId }) => runId))
          return ended.filter((id) => !told.has(id))
        },
        { timeout: 20_000 },
      )
      .toEqual([])
  },
)
