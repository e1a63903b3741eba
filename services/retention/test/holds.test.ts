import { must } from '@parley/bus'
import { refuse } from '@parley/contracts'
import { v4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { admin, createWorld, soon, type World } from './world.ts'

const place = (world: World, hold: { id?: string; userId?: string; conversationId?: string; reason?: string }) =>
  world.calls.placeHold({ actor: admin, reason: 'case 17', ...hold })
const release = (world: World, holdId: string) => world.calls.releaseHold({ actor: admin, holdId })

/** What messaging goes by. */
function appliedIn(world: World): ReadonlySet<string> {
  const applied = new Set<string>()
  world.answers['messaging.applyHolds'] = async ({ placed, released }) => {
    for (const { id } of placed) applied.add(id)
    for (const id of released) applied.delete(id)
    return {}
  }
  return applied
}

describe('a legal hold', () => {
  test('holds when it is answered, and no more when its release is', async () => {
    await using world = await createWorld()
    const applied = appliedIn(world)
    await world.start()
    const userId = v4()
    const hold = must(await place(world, { userId }))
    expect(hold).toMatchObject({ userId, conversationId: null, reason: 'case 17', placedBy: admin.userId })
    expect([...applied]).toEqual([hold.id])
    world.clock.set('2026-11-23T12:00:00.000Z')
    const released = must(await release(world, hold.id))
    expect(released).toMatchObject({ releasedBy: admin.userId, releasedAt: '2026-11-23T12:00:00.000Z' })
    expect([...applied]).toEqual([])
    world.clock.set('2026-11-24T12:00:00.000Z')
    expect(must(await release(world, hold.id))).toEqual(released)
    await expect
      .poll(async () => (await world.decisions()).map(({ action, userId: about }) => [action, about]), soon)
      .toEqual([
        ['hold-placed', userId],
        ['hold-released', userId],
      ])
  })

  test('is one, however often it is placed with its id, and another with the same id is refused', async () => {
    await using world = await createWorld()
    await world.start()
    const [id, conversationId] = [v4(), v4()]
    const answers = await Promise.all(Array.from({ length: 5 }, () => place(world, { id, conversationId })))
    for (const answer of answers) expect(must(answer)).toEqual(must(answers[0]!))
    for (const other of [{ conversationId: v4() }, { userId: conversationId }, { conversationId, reason: 'another' }]) {
      expect(await place(world, { id, ...other })).toMatchObject({ refusal: { code: 'hold_id_conflict' } })
    }
    const { holds } = must(await world.calls.listHolds({ actor: admin, conversationId }))
    expect(holds).toHaveLength(1)
  })

  test('is of a user or of a conversation that exists', async () => {
    await using world = await createWorld()
    await world.start()
    world.answers['auth.getUsers'] = async () => ({ users: [] })
    world.answers['messaging.previewRetention'] = async () => {
      throw refuse.conversation_not_found()
    }
    expect(await place(world, { userId: v4() })).toMatchObject({ refusal: { code: 'user_not_found' } })
    expect(await place(world, { conversationId: v4() })).toMatchObject({ refusal: { code: 'conversation_not_found' } })
    expect(await place(world, {})).toMatchObject({ refusal: { code: 'invalid_input' } })
    expect(await release(world, v4())).toMatchObject({ refusal: { code: 'hold_not_found' } })
    expect(must(await world.calls.listHolds({ actor: admin, released: true })).holds).toEqual([])
  })

  test('that could not be told is told until messaging has it, and nothing is deleted before', async () => {
    await using world = await createWorld()
    await world.start()
    await expect.poll(async () => (await world.runs('expire')).at(-1)?.result, soon).toBe('done')
    world.answers['messaging.applyHolds'] = async () => {
      throw refuse.unavailable()
    }
    const id = v4()
    expect(await place(world, { id, userId: v4() })).toMatchObject({ refusal: { code: 'unavailable' } })
    const expired = world.asked['messaging.expireMessages'].length
    must(await world.calls.startRun({ actor: admin, kind: 'expire' }))
    await expect.poll(async () => (await world.runs('expire')).at(-1)?.errorCode, soon).toBe('unavailable')
    expect(world.asked['messaging.expireMessages']).toHaveLength(expired)
    const applied = appliedIn(world)
    await expect.poll(() => [...applied], soon).toEqual([id])
    must(await world.calls.startRun({ actor: admin, kind: 'expire' }))
    await expect.poll(async () => (await world.runs('expire')).at(-1)?.result, soon).toBe('done')
  })

  test('is told again before each deletion: messaging may have been put back to an earlier state', async () => {
    await using world = await createWorld()
    const applied = appliedIn(world) as Set<string>
    await world.start()
    await expect
      .poll(async () => (await world.runs('expire', 'drop-months')).map(({ result }) => result), soon)
      .toEqual(['done', 'done'])
    const holds = await Promise.all(Array.from({ length: 130 }, () => place(world, { userId: v4() })))
    const ids = new Set(holds.map((hold) => must(hold).id))
    for (const kind of ['expire', 'drop-months'] as const) {
      applied.clear()
      must(await world.calls.startRun({ actor: admin, kind }))
      await expect.poll(() => applied, soon).toEqual(ids)
    }
  })
})

test('holds are listed the newest first, page by page, released ones only if asked for', async () => {
  await using world = await createWorld()
  await world.start()
  const userId = v4()
  const ids: string[] = []
  for (let index = 0; index < 5; index += 1) {
    world.clock.set(`2026-11-22T12:00:0${index}.000Z`)
    ids.unshift(must(await place(world, { userId })).id)
  }
  must(await release(world, ids[1]!))
  const list = async (released: boolean) => {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const asked = { actor: admin, userId, released, limit: 2, ...(cursor !== undefined && { cursor }) }
      const page = must(await world.calls.listHolds(asked))
      found.push(...page.holds.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    return found
  }
  expect(await list(true)).toEqual(ids)
  expect(await list(false)).toEqual(ids.filter((_, index) => index !== 1))
})
