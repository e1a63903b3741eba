import { must } from '@parley/bus'
import { refuse, type RequestOf, type messaging } from '@parley/contracts'
import { sql } from 'kysely'
import { v4 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { admin, createWorld, soon, type World } from './world.ts'

type Periods = RequestOf<(typeof messaging)['calls']['setConversationRetention']>

const place = async (world: World, hold: { userId: string } | { conversationId: string }) =>
  must(await world.calls.placeHold({ actor: admin, reason: 'case 17', ...hold })).id
const release = async (world: World, holdId: string) => must(await world.calls.releaseHold({ actor: admin, holdId }))
const setDays = async (world: World, conversationId: string, messageDays: number | null) =>
  must(await world.calls.setRetentionPolicy({ actor: admin, conversationId, messageDays, fileDays: null }))

/** Policies of conversations that messaging has confirmed long ago. */
async function keepConfirmed({ db }: World, conversationIds: readonly string[], messageDays: number): Promise<void> {
  const by = {
    kind: null,
    messageDays,
    fileDays: null,
    changedBy: admin.userId,
    changedAt: new Date(),
    confirmed: true,
  }
  await db
    .insertInto('policies')
    .values(conversationIds.map((id) => ({ scope: id, conversationId: id, ...by })))
    .execute()
}

/** What messaging goes by, which may be put back to an earlier state. */
function keptIn(world: World) {
  const holds = new Set<string>()
  const days = new Map<string, number | null>()
  const kept = { holds, days, conversations: undefined as ReadonlySet<string> | undefined }
  const isUnknown = (id: string | null) => id !== null && kept.conversations?.has(id) === false
  world.answers['messaging.applyHolds'] = async ({ placed, released }) => {
    if (placed.some(({ conversationId }) => isUnknown(conversationId))) throw refuse.conversation_not_found()
    for (const { id } of placed) holds.add(id)
    for (const id of released) holds.delete(id)
    return {}
  }
  world.answers['messaging.setConversationRetention'] = async ({ conversationId, messageDays }: Periods) => {
    if (isUnknown(conversationId)) throw refuse.conversation_not_found()
    days.set(conversationId, messageDays)
    return {}
  }
  return kept
}

/** Has a run done, and answers what came of it. */
async function run(world: World, kind: 'expire' | 'drop-months'): Promise<string | null | undefined> {
  const before = (await world.runs(kind)).length
  must(await world.calls.startRun({ actor: admin, kind }))
  const last = async () => (await world.runs(kind)).slice(before).find(({ endedAt }) => endedAt !== null)
  await expect.poll(last, soon).toBeDefined()
  return (await last())?.result
}

/** For a lock of its database. */
async function isAnyWaiting({ db }: World): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
  return rows.length > 0
}

async function startIdle(world: World): Promise<void> {
  await world.start()
  await expect.poll(async () => (await world.runs()).filter(({ result }) => result === 'done'), soon).toHaveLength(4)
}

describe.for(['expire', 'drop-months'] as const)(
  'before %s messaging that was put back to an earlier state',
  (kind) => {
    test('learns the policies of conversations, and which were removed', async () => {
      await using world = await createWorld()
      const { days } = keptIn(world)
      await startIdle(world)
      const [set, removed] = [v4(), v4()]
      await setDays(world, set, 3_650)
      await setDays(world, removed, 2)
      await setDays(world, removed, null)
      const others = Array.from({ length: 120 }, () => v4())
      await keepConfirmed(world, others, 10)
      days.clear()
      days.set(removed, 2)
      expect(await run(world, kind)).toBe('done')
      const decided = new Map<string, number | null>(others.map((id) => [id, 10]))
      expect(days).toEqual(decided.set(set, 3_650).set(removed, null))
    })

    test('learns which holds were placed, and which released', async () => {
      await using world = await createWorld()
      const { holds } = keptIn(world)
      await startIdle(world)
      const live = await place(world, { userId: v4() })
      const released = await place(world, { conversationId: v4() })
      await release(world, released)
      holds.clear()
      holds.add(released)
      expect(await run(world, kind)).toBe('done')
      expect([...holds]).toEqual([live])
    })

    test('may not know a conversation: all else is told, and done', async () => {
      await using world = await createWorld()
      const kept = keptIn(world)
      await startIdle(world)
      const [known, unknown] = [v4(), v4()]
      for (const id of [unknown, known]) await setDays(world, id, 3_650)
      const ofUnknown = await place(world, { conversationId: unknown })
      const others = [await place(world, { conversationId: known }), await place(world, { userId: v4() })]
      kept.holds.clear()
      kept.days.clear()
      kept.conversations = new Set([known])
      expect(await run(world, kind)).toBe('done')
      expect(kept.holds).toEqual(new Set(others))
      expect([...kept.days.keys()]).toEqual([known])
      // It is there again: with another backup.
      kept.conversations = new Set([known, unknown])
      expect(await run(world, kind)).toBe('done')
      expect(kept.holds).toEqual(new Set([...others, ofUnknown]))
      expect(kept.days.get(unknown)).toBe(3_650)
    })
  },
)

test('a hold that is released while all are told again does not come back', async () => {
  await using world = await createWorld()
  const { holds } = keptIn(world)
  await startIdle(world)
  const id = await place(world, { userId: v4() })
  const apply = world.answers['messaging.applyHolds']
  const telling = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let isFirst = true
  world.answers['messaging.applyHolds'] = async (asked, context) => {
    const isHeldBack = isFirst
    isFirst = false
    if (isHeldBack) {
      telling.resolve()
      await goOn.promise
    }
    return apply(asked, context)
  }
  must(await world.calls.startRun({ actor: admin, kind: 'expire' }))
  await telling.promise
  let isReleased = false
  const releasing = release(world, id).finally(() => (isReleased = true))
  // Either it waits for what is under way, or it is through before.
  await expect.poll(async () => isReleased || (await isAnyWaiting(world)), { ...soon, interval: 10 }).toBe(true)
  goOn.resolve()
  expect((await releasing).releasedAt).not.toBeNull()
  await expect
    .poll(async () => (await world.runs('expire')).map(({ result }) => result), soon)
    .toEqual(['done', 'done'])
  expect([...holds]).toEqual([])
})

test('holds are told again also while a policy cannot be told', async () => {
  await using world = await createWorld()
  const { holds } = keptIn(world)
  await startIdle(world)
  world.answers['messaging.setConversationRetention'] = async () => {
    throw refuse.unavailable()
  }
  const policy = { conversationId: v4(), messageDays: 10, fileDays: null }
  expect((await world.calls.setRetentionPolicy({ actor: admin, ...policy })).ok).toBe(false)
  const apply = world.answers['messaging.applyHolds']
  world.answers['messaging.applyHolds'] = async () => {
    throw refuse.unavailable()
  }
  const id = v4()
  const placed = await world.calls.placeHold({ actor: admin, id, userId: v4(), reason: 'case 17' })
  expect(placed).toMatchObject({ refusal: { code: 'unavailable' } })
  world.answers['messaging.applyHolds'] = apply
  await expect.poll(() => [...holds], soon).toEqual([id])
})
