import { randomUUID } from 'node:crypto'
import { must } from '@parley/bus'
import { loadHistory } from '@parley/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { afterExpiry, readStored, type Stored } from './stored.ts'
import { DAY_MS, expireThrough, rulesOf } from './expire.ts'
import { newUser, openWorld, refusalOf, type World } from './world.ts'

const to = new Date()
const from = new Date(to.getTime() - 730 * DAY_MS)
const shares = { attachments: 0.3 }
const clock = { now: () => to }
const rules = rulesOf(365, {
  direct: { messageDays: null, fileDays: 300 },
  channel: { messageDays: 600, fileDays: null },
})

let world: World
let stored: Stored
beforeAll(async () => {
  world = await openWorld({ instances: 0 })
  const { databaseUrl: url, db } = world
  await loadHistory({ url, conversations: 20, messages: 4_000, users: 10, membersPerGroup: 4, from, to, shares })
  const [one, two] = await db
    .selectFrom('conversations')
    .select('id')
    .where('kind', '=', 'group')
    .orderBy('id')
    .execute()
  await db.updateTable('conversations').set({ messageDays: 500 }).where('id', '=', one!.id).execute()
  await db.updateTable('conversations').set({ fileDays: 20 }).where('id', '=', two!.id).execute()
  stored = await readStored(db)
  const userId = stored.messages[0]!.senderId
  await db.insertInto('holds').values({ id: randomUUID(), userId, conversationId: null }).execute()
  await world.startInstance({}, clock)
  must(await world.calls.setRetentionRules({ rules }))
})
afterAll(() => world[Symbol.asyncDispose]())

const nobody = { userIds: [], conversationIds: [] }
const asked = { conversationId: null, kind: null, messageDays: null, fileDays: null }

/** What is gone by one set of rules and not by another. */
function differenceOf(before: Stored, changed: Stored, changedRules = rules) {
  const [old, other] = [
    afterExpiry(before, { rules, now: to, holding: nobody }),
    afterExpiry(changed, { rules: changedRules, now: to, holding: nobody }),
  ]
  const left = new Set(other.stored.messages.map(({ id }) => id))
  const gone = old.stored.messages.filter(({ id }) => !left.has(id))
  const already = new Set(old.goneUploads)
  return {
    messages: gone.length,
    files: other.goneUploads.filter((id) => !already.has(id)).length,
    heldMessages: gone.filter(({ senderId }) => senderId === before.messages[0]!.senderId).length,
  }
}

test('a dry run of the default, of a kind and of a conversation counts exactly what would go, and changes nothing', async () => {
  const { id } = stored.conversations.find(
    ({ kind, messageDays, fileDays }) => kind === 'group' && messageDays === null && fileDays === null,
  )!
  const own = stored.conversations.map((one) => (one.id === id ? { ...one, messageDays: 30, fileDays: 10 } : one))
  for (const [policy, expected] of [
    [{ messageDays: 100 }, differenceOf(stored, stored, { ...rules, default: { messageDays: 100, fileDays: null } })],
    [
      { messageDays: 365, fileDays: 50 },
      differenceOf(stored, stored, { ...rules, default: { messageDays: 365, fileDays: 50 } }),
    ],
    [
      { kind: 'channel', messageDays: 60 },
      differenceOf(stored, stored, { ...rules, channel: { messageDays: 60, fileDays: null } }),
    ],
    [
      { kind: 'direct', fileDays: 2 },
      differenceOf(stored, stored, { ...rules, direct: { messageDays: null, fileDays: 2 } }),
    ],
    [{ conversationId: id, messageDays: 30, fileDays: 10 }, differenceOf(stored, { ...stored, conversations: own })],
  ] as const) {
    const effect = must(await world.calls.previewRetention({ ...asked, ...policy }))
    expect(effect).toMatchObject({ ...expected, isComplete: true })
    expect(expected.files).toBeGreaterThan(0)
    expect(effect.fileBytes).toBeGreaterThanOrEqual(effect.files)
    expect(effect.conversations).toBeGreaterThan(0)
  }
  expect(await readStored(world.db)).toEqual(stored)
})

test('a dry run of what keeps more, or the same, counts nothing', async () => {
  const nothing = { conversations: 0, messages: 0, files: 0, fileBytes: 0, heldMessages: 0, isComplete: true }
  expect(must(await world.calls.previewRetention({ ...asked, messageDays: 365 }))).toEqual(nothing)
  expect(must(await world.calls.previewRetention({ ...asked, kind: 'group', messageDays: 36_500 }))).toEqual(nothing)
})

test('a dry run for a conversation that does not exist is refused', async () => {
  const request = { ...asked, conversationId: newUser(), messageDays: 30 }
  expect(refusalOf(await world.calls.previewRetention(request))).toBe('conversation_not_found')
})

test('the oldest message that is stored is told, and is another after an expiry', async () => {
  const oldest = () => world.calls.oldestMessage({}).then(must)
  const times = stored.messages.map(({ createdAt }) => createdAt.getTime())
  expect(await oldest()).toEqual({ createdAt: new Date(Math.min(...times)).toISOString() })
  await expireThrough(world.calls)
  const left = (await readStored(world.db)).messages.map(({ createdAt }) => createdAt.getTime())
  expect(await oldest()).toEqual({ createdAt: new Date(Math.min(...left)).toISOString() })
  expect(Math.min(...left)).toBeGreaterThan(Math.min(...times))
})
