import { randomUUID } from 'node:crypto'
import { must, publishEvents, recordOf } from '@parley/bus'
import { messaging } from '@parley/contracts'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eraseThrough, findThrough } from './erase.ts'
import { DAY_MS, rulesOf } from './expire.ts'
import { createMonths } from '../src/store/months.ts'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

/** Each test plants something, finds that and nothing else, and removes it. */
let world: World
let bob: string
let conversationId: string
beforeAll(async () => {
  world = await openWorld()
  bob = newUser()
  conversationId = (await world.createGroup(bob, [newUser()])).id
  await sent(bob, 'kept')
})
afterAll(() => world[Symbol.asyncDispose]())

const sent = async (senderId: string, text: string) => messageOf(await world.send(senderId, conversationId, { text }))

const foundOf = async (erasedUserIds: string[] = [], options: Parameters<typeof findThrough>[2] = {}) =>
  (await findThrough(world.calls, erasedUserIds, options)).findings

const allTold = () =>
  expect.poll(() => world.db.selectFrom('outbox').select('id').execute(), { timeout: 15_000 }).toEqual([])

const moveTo = (id: string, createdAt: Date) =>
  world.db.updateTable('messages').set({ createdAt }).where('id', '=', id).execute()

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)

test('where all is as it should be nothing is found, and it is told how much was looked at', async () => {
  const { findings, counts } = await findThrough(world.calls)
  expect(findings).toEqual([])
  expect(counts).toMatchObject({ 'postgres.messages': expect.any(Number), 'postgres.months': expect.any(Number) })
  expect(counts['postgres.messages']).toBeGreaterThanOrEqual(1)
})

test('a user who is erased leaves nothing, in conversations of every kind', async () => {
  const gone = newUser()
  must(await world.calls.addMembers({ actor: actorOf(bob), conversationId, userIds: [gone] }))
  await sent(gone, 'mine')
  const other = await sent(bob, 'of bob')
  must(await world.calls.addReaction({ actor: actorOf(gone), conversationId, messageId: other.id, emoji: '👍' }))
  must(await world.calls.blockUser({ actor: actorOf(gone), userId: newUser() }))
  must(await world.calls.createConversation({ actor: actorOf(gone), kind: 'direct', memberIds: [bob] }))
  await allTold()
  const before = await foundOf([gone])
  expect([...new Set(before.map(({ what }) => what))].toSorted()).toEqual([
    'a block with an erased user',
    'a membership of an erased user',
    'a message of an erased user',
    'a message that names an erased user for a reaction',
    'a reaction of an erased user',
    'an event of an erased user',
  ])
  await eraseThrough(world.calls, gone)
  await allTold()
  expect(await foundOf([gone])).toEqual([])
})

test('a message is found 24 hours after it has expired, by the days of its conversation', async () => {
  const { id } = await sent(bob, 'old')
  const { createdAt } = await world.db
    .selectFrom('messages')
    .select('createdAt')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  await moveTo(id, hoursAgo(366 * 24 - 1))
  expect(await foundOf()).toEqual([])
  await moveTo(id, hoursAgo(366 * 24 + 1))
  expect(await foundOf()).toEqual([{ store: 'postgres', what: 'an expired message', id }])
  // With its month it may go later.
  expect(await foundOf([], { leaveDefaultToMonths: true })).toEqual([])
  const keptFor = (messageDays: number | null) =>
    world.calls.setConversationRetention({ conversationId, messageDays, fileDays: null })
  must(await keptFor(367))
  expect(await foundOf()).toEqual([])
  must(await keptFor(100))
  await moveTo(id, hoursAgo(101 * 24 + 1))
  expect(await foundOf([], { leaveDefaultToMonths: true })).toMatchObject([{ id }])
  must(await keptFor(null))
  await moveTo(id, createdAt)
})

test('the rules that were told last are those it goes by', async () => {
  const { id } = await sent(bob, 'old')
  const { createdAt } = await world.db
    .selectFrom('messages')
    .select('createdAt')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  await moveTo(id, hoursAgo(51 * 24 + 1))
  const ofGroups = (messageDays: number) => ({ group: { messageDays, fileDays: null } })
  must(await world.calls.setRetentionRules({ rules: rulesOf(365, { revision: 1, ...ofGroups(50) }) }))
  expect(await foundOf()).toMatchObject([{ what: 'an expired message', id }])
  must(await world.calls.setRetentionRules({ rules: rulesOf(50, { revision: 2, ...ofGroups(365) }) }))
  expect(await foundOf()).toEqual([])
  must(await world.calls.setRetentionRules({ rules: rulesOf(365, { revision: 3 }) }))
  await moveTo(id, createdAt)
})

test('edits, reactions and unread mentions without message, or of a deleted one, are found', async () => {
  const { db } = world
  const deleted = await sent(bob, 'deleted')
  must(await world.calls.deleteMessage({ actor: actorOf(bob), conversationId, messageId: deleted.id }))
  const missing = v7()
  const replacedAt = new Date()
  const userId = newUser()
  for (const [index, messageId] of [missing, deleted.id].entries()) {
    await db.insertInto('messageEdits').values({ messageId, version: 1, text: 'x', mentions: [], replacedAt }).execute()
    await db.insertInto('reactions').values({ messageId, emoji: '👍', userId, reactedAt: replacedAt }).execute()
    await db
      .insertInto('unreadMentions')
      .values({ userId, conversationId, sequence: 900 + index, messageId })
      .execute()
  }
  const found = await foundOf()
  expect(found.map(({ what, id }) => `${what} ${id}`).toSorted()).toEqual([
    `a reaction to a deleted message ${deleted.id}`,
    `a reaction without message ${missing}`,
    `an edit of a deleted message ${deleted.id}`,
    `an edit without message ${missing}`,
    `an unread mention in a deleted message ${deleted.id}`,
    `an unread mention without message ${missing}`,
  ])
  for (const table of ['messageEdits', 'reactions', 'unreadMentions'] as const) {
    await db.deleteFrom(table).where('messageId', 'in', [missing, deleted.id]).execute()
  }
})

test('a part of the read log that has expired is found', async () => {
  // Where its month still is.
  const at = hoursAgo(4 * 24)
  await createMonths(world.db, { now: at, ahead: 1 })
  const id = v7({ msecs: at.getTime() })
  await world.db
    .insertInto('readLog')
    .values({ id, conversationId, userIds: [bob], sequences: ['1'] })
    .execute()
  expect(await foundOf()).toEqual([])
  must(await world.calls.setConversationRetention({ conversationId, messageDays: 2, fileDays: null }))
  expect(await foundOf()).toMatchObject([{ what: 'an expired part of the read log', id }])
  must(await world.calls.setConversationRetention({ conversationId, messageDays: null, fileDays: null }))
  await world.db.deleteFrom('readLog').where('id', '=', id).execute()
})

test('a held message is found a day after it was copied when no hold covers it', async () => {
  const [id, holdId] = [v7(), randomUUID()]
  const message = { id, conversationId, sequence: 1, senderId: bob, createdAt: new Date(), uploadIds: [] }
  const content = JSON.stringify({ message: {}, edits: [], reactions: [] })
  const held = { ...message, content, reason: 'expired' as const, heldAt: hoursAgo(25) }
  await world.db.insertInto('heldMessages').values(held).execute()
  const place = { placed: [{ id: holdId, userId: bob, conversationId: null }], released: [] }
  must(await world.calls.applyHolds(place))
  expect(await foundOf()).toEqual([])
  must(await world.calls.applyHolds({ placed: [], released: [holdId] }))
  expect(await foundOf()).toEqual([{ store: 'postgres', what: 'a held message that no hold covers', id }])
  await world.db
    .updateTable('heldMessages')
    .set({ heldAt: hoursAgo(23) })
    .where('id', '=', id)
    .execute()
  expect(await foundOf()).toEqual([])
  await world.db.deleteFrom('heldMessages').where('id', '=', id).execute()
})

test('a month of which nothing is kept any more is found, also when it is detached', async () => {
  const past = new Date(Date.now() - 500 * DAY_MS)
  const { created } = await createMonths(world.db, { now: past, ahead: 0 })
  expect(created).not.toEqual([])
  const month = created[0]!.slice('messages_'.length)
  await sql`alter table messages detach partition ${sql.table(`messages_${month}`)}`.execute(world.db)
  const found = await foundOf()
  expect(found.every(({ what }) => what === 'a month of which nothing is kept')).toBe(true)
  const names = ['message_edits', 'messages', 'reactions', 'read_log'].map((table) => `${table}_${month}`)
  expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(names))
  // Somewhere something is kept for longer.
  must(await world.calls.setConversationRetention({ conversationId, messageDays: 1_000, fileDays: null }))
  expect(await foundOf()).toEqual([])
  must(await world.calls.setConversationRetention({ conversationId, messageDays: null, fileDays: null }))
  for (const { id } of found) await sql`drop table ${sql.table(id)}`.execute(world.db)
  expect(await foundOf()).toEqual([])
})

test('what the outbox has not told for an hour is found', async () => {
  const claimedUntil = new Date(Date.now() + DAY_MS)
  const row = { events: '[]', claimedUntil, createdAt: hoursAgo(2) }
  const { id } = await world.db.insertInto('outbox').values(row).returning('id').executeTakeFirstOrThrow()
  expect(await foundOf()).toEqual([{ store: 'postgres', what: 'something untold for an hour', id: String(id) }])
  await world.db.updateTable('outbox').set({ createdAt: new Date() }).where('id', '=', id).execute()
  expect(await foundOf()).toEqual([])
  await world.db.deleteFrom('outbox').where('id', '=', id).execute()
})

test('an event that tells what an erased user has read is found, and those that tell an end are not', async () => {
  const gone = newUser()
  must(await world.calls.addMembers({ actor: actorOf(bob), conversationId, userIds: [gone] }))
  await eraseThrough(world.calls, gone)
  await allTold()
  expect(await foundOf([gone])).toEqual([])
  const receipts = [{ userId: gone, deliveredSequence: 1, readSequence: 1 }]
  const event = recordOf(messaging.events.receiptsAdvanced, { conversationId }, { conversationId, receipts })
  await publishEvents(world.bus, [event], { idOf: () => undefined })
  expect(await foundOf([gone])).toMatchObject([{ store: 'jetstream', what: 'an event of an erased user' }])
  await eraseThrough(world.calls, gone)
  expect(await foundOf([gone])).toEqual([])
})

test('many findings come in several answers, each once', async () => {
  const ids = Array.from({ length: 250 }, () => v7())
  const userId = newUser()
  const reactions = ids.map((messageId) => ({ messageId, emoji: '👍', userId, reactedAt: new Date() }))
  await world.db.insertInto('reactions').values(reactions).execute()
  const { findings, pages } = await findThrough(world.calls)
  expect(findings.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect(pages).toBe(3)
  await world.db.deleteFrom('reactions').where('userId', '=', userId).execute()
})
