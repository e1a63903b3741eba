import { must, serve } from '@parley/bus'
import { media, type RetentionPeriods, type RetentionRules } from '@parley/contracts'
import { openPostgres } from '@parley/postgres'
import type { ConversationKind } from '@parley/protocol'
import { silentLog, testDatabase } from '@parley/testing'
import { sql } from 'kysely'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Tables } from '../src/store/tables.ts'
import { DAY_MS, rulesOf } from './expire.ts'
import { backdate, movingClock, shifted } from './past.ts'
import { hidden, impossible, pathsTo, possible, shown, useOf } from './paths.ts'
import { actorOf, messageOf, newUser, openWorld, type World } from './world.ts'

const clock = movingClock()
let world: World
beforeAll(async () => {
  world = await openWorld({ clock })
  await serveFiles(world)
})
beforeEach(() => clock.moveTo(new Date()))
afterAll(() => world[Symbol.asyncDispose]())

const nothingKnown = { width: null, height: null, blurhash: null, durationMs: null, pages: null }
const attachmentOf = (id: string) => ({ id, name: 'notes.txt', type: 'text/plain', size: 5, ...nothingKnown })

const serveFiles = ({ bus }: World) =>
  serve(bus, media, {
    attachUploads: async ({ uploadIds }) => ({ attachments: uploadIds.map(attachmentOf) }),
    releaseUploads: async () => ({}),
  })

let revision = 0
const setRules = async (rules: RetentionRules) =>
  must(await world.calls.setRetentionRules({ rules: { ...rules, revision: ++revision } }))

const keepFor = async (conversationId: string, periods: Partial<RetentionPeriods>, { calls } = world) =>
  must(await calls.setConversationRetention({ conversationId, messageDays: null, fileDays: null, ...periods }))

const seenBy = async (userId: string, conversationId: string) =>
  must(await world.calls.getConversation({ actor: actorOf(userId), conversationId }))

/** Two people, and one message with all that can be part of one: said now, not read. */
async function begin(kind: ConversationKind = 'group', where: World = world) {
  const [alice, bob] = [newUser(), newUser()]
  const { calls } = where
  const { id } = must(await calls.createConversation({ actor: actorOf(alice), kind, memberIds: [bob] }))
  const sent = messageOf(await where.send(alice, id, { text: 'first', mentions: [bob], attachments: [v4()] }))
  const place = { conversationId: id, messageId: sent.id, sequence: sent.sequence }
  must(await calls.editMessage({ actor: actorOf(alice), ...place, text: 'second', mentions: [bob] }))
  must(await calls.addReaction({ actor: actorOf(bob), ...place, emoji: '👍' }))
  return { alice, bob, place, sentAt: new Date(sent.createdAt) }
}

type Begun = Awaited<ReturnType<typeof begin>>

/** It is there until the millisecond before, and not at the moment or after; and what is not there can not be used. */
async function expectToExpireAt(expiresAt: Date, { alice, bob, place }: Begun, where = world, at = clock) {
  for (const lateByMs of [0, 1, DAY_MS]) {
    at.moveTo(shifted(expiresAt, lateByMs))
    expect(await pathsTo(where, bob, place)).toEqual(hidden)
    expect(await useOf(where, alice, place)).toEqual(impossible)
  }
  at.moveTo(shifted(expiresAt, -1))
  expect(await pathsTo(where, bob, place)).toEqual(shown)
  expect(await useOf(where, alice, place)).toEqual(possible)
}

describe('a message is there until the last millisecond of its period, on every path', () => {
  const policies: { by: string; kind: ConversationKind; rules: RetentionRules; own?: number; days: number }[] = [
    { by: 'the default', kind: 'group', rules: rulesOf(365), days: 365 },
    { by: 'the default, for channels', kind: 'channel', rules: rulesOf(7), days: 7 },
    {
      by: 'its kind, before a longer default',
      kind: 'direct',
      rules: rulesOf(365, { direct: { messageDays: 30, fileDays: null } }),
      days: 30,
    },
    {
      by: 'its kind, before a shorter default',
      kind: 'channel',
      rules: rulesOf(30, { channel: { messageDays: 800, fileDays: null } }),
      days: 800,
    },
    {
      by: 'itself, before a longer kind',
      kind: 'group',
      rules: rulesOf(365, { group: { messageDays: 90, fileDays: null } }),
      own: 10,
      days: 10,
    },
    {
      by: 'itself, before a shorter kind',
      kind: 'direct',
      rules: rulesOf(20, { direct: { messageDays: 5, fileDays: null } }),
      own: 3_650,
      days: 3_650,
    },
    { by: 'the shortest there is', kind: 'group', rules: rulesOf(365), own: 2, days: 2 },
  ]

  for (const { by, kind, rules, own, days } of policies) {
    test(`as said by ${by}`, async () => {
      await setRules(rules)
      const begun = await begin(kind)
      const { bob, place, sentAt } = begun
      if (own !== undefined) await keepFor(place.conversationId, { messageDays: own })
      expect((await seenBy(bob, place.conversationId)).retentionDays).toBe(days)
      await expectToExpireAt(shifted(sentAt, days * DAY_MS), begun)
    })
  }
})

describe('files that are kept for a shorter time go before their message, which stays', () => {
  const files = (fileDays: number) => ({ messageDays: null, fileDays })
  const policies: { by: string; rules: RetentionRules; own?: Partial<RetentionPeriods>; days: number }[] = [
    { by: 'the default', rules: rulesOf(20, { default: { messageDays: 20, fileDays: 5 } }), days: 5 },
    {
      by: 'the kind, before the default',
      rules: rulesOf(20, { default: { messageDays: 20, fileDays: 5 }, group: files(8) }),
      days: 8,
    },
    { by: 'the conversation, before its kind', rules: rulesOf(20, { group: files(8) }), own: files(3), days: 3 },
    {
      by: 'the kind, where only messages have a period of the conversation',
      rules: rulesOf(365, { group: files(8) }),
      own: { messageDays: 20 },
      days: 8,
    },
  ]

  for (const { by, rules, own, days } of policies) {
    test(`as said by ${by}`, async () => {
      await setRules(rules)
      const begun = await begin()
      const { bob, place, sentAt } = begun
      if (own !== undefined) await keepFor(place.conversationId, own)
      const filesExpireAt = shifted(sentAt, days * DAY_MS)
      for (const [byMs, areThere] of [
        [-1, true],
        [0, false],
        [1, false],
      ] as const) {
        clock.moveTo(shifted(filesExpireAt, byMs))
        expect(await pathsTo(world, bob, place)).toEqual({ ...shown, files: areThere })
      }
      const { conversationId } = place
      const { messages } = must(await world.calls.getMessages({ actor: actorOf(bob), conversationId }))
      expect(messages[0]!.attachments).toHaveLength(1)
      clock.moveTo(shifted(sentAt, 20 * DAY_MS - 1))
      expect(await pathsTo(world, bob, place)).toEqual({ ...shown, files: false })
      clock.moveTo(shifted(sentAt, 20 * DAY_MS))
      expect(await pathsTo(world, bob, place)).toEqual(hidden)
    })
  }

  test('and files whose period is longer go with their message', async () => {
    await setRules(rulesOf(10, { default: { messageDays: 10, fileDays: 300 } }))
    const begun = await begin()
    await expectToExpireAt(shifted(begun.sentAt, 10 * DAY_MS), begun)
  })
})

describe('a day has 24 hours in every month and every time zone of the database', () => {
  const LONG = 120_000
  const moments = [
    ['over a leap day', '2024-02-28T23:59:59.999Z', 2, '2024-03-01T23:59:59.999Z'],
    ['over the end of a February without one', '2025-02-28T23:59:59.999Z', 2, '2025-03-02T23:59:59.999Z'],
    ['from a leap day, for a year', '2024-02-29T12:00:00.001Z', 365, '2025-02-28T12:00:00.001Z'],
    ['to a leap day', '2023-03-01T00:00:00.000Z', 365, '2024-02-29T00:00:00.000Z'],
    ['from the last millisecond of a month', '2025-01-31T23:59:59.999Z', 31, '2025-03-03T23:59:59.999Z'],
    ['over the end of a year', '2025-12-31T23:59:59.999Z', 2, '2026-01-02T23:59:59.999Z'],
    ['while clocks go forward in New York', '2025-03-08T17:00:00.000Z', 2, '2025-03-10T17:00:00.000Z'],
    ['from the hour that New York skips', '2025-03-09T06:59:59.999Z', 2, '2025-03-11T06:59:59.999Z'],
    ['from the hour that New York has twice', '2025-11-02T05:30:00.000Z', 2, '2025-11-04T05:30:00.000Z'],
    ['over the day that Samoa skipped', '2011-12-29T12:00:00.000Z', 3, '2012-01-01T12:00:00.000Z'],
  ] as const

  test.for(['America/New_York', 'Pacific/Apia'])('such as %s', { timeout: LONG }, async (zone) => {
    await using database = await testDatabase('messaging')
    await setZone(database.adminUrl, zone)
    const there = movingClock()
    await using elsewhere = await openWorld({ databaseUrl: database.url, clock: there })
    await serveFiles(elsewhere)
    const { rows } = await sql`show timezone`.execute(elsewhere.db)
    expect(rows).toEqual([{ TimeZone: zone }])
    for (const [name, sentAt, messageDays, expiresAt] of moments) {
      there.moveTo(new Date())
      const begun = await begin('group', elsewhere)
      const { conversationId } = begun.place
      await backdate(elsewhere.db, conversationId, [new Date(sentAt)])
      await keepFor(conversationId, { messageDays }, elsewhere)
      await expectToExpireAt(new Date(expiresAt), begun, elsewhere, there).catch((error: unknown) => {
        throw new Error(name, { cause: error })
      })
    }
  })

  async function setZone(adminUrl: string, zone: string): Promise<void> {
    await using admin = openPostgres<Tables>({ url: adminUrl, service: 'test', log: silentLog })
    const name = new URL(adminUrl).pathname.slice(1)
    await sql`alter database ${sql.id(name)} set timezone to ${sql.lit(zone)}`.execute(admin.db)
  }
})

describe('of many messages', () => {
  const COUNT = 10
  const start = new Date('2024-02-26T00:00:00.000Z')
  const SPACING_MS = 60_000
  const timeOf = (sequence: number) => shifted(start, sequence * SPACING_MS)

  /** Alice has said all of them, 30 days are kept, and Carol joined before the fifth. */
  async function talk() {
    const [alice, bob, carol] = [newUser(), newUser(), newUser()]
    const { id: conversationId } = await world.createGroup(alice, [bob])
    const say = async (count: number) => {
      const sends = Array.from({ length: count }, () => ({
        actor: actorOf(alice),
        conversationId,
        id: v7(),
        text: 'x',
      }))
      return must(await world.calls.sendMessages({ sends })).results.map(messageOf)
    }
    const before = await say(4)
    must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [carol] }))
    const messages = [...before, ...(await say(COUNT - 4))]
    await backdate(
      world.db,
      conversationId,
      messages.map(({ sequence }) => timeOf(sequence)),
    )
    await keepFor(conversationId, { messageDays: 30 })
    const read = async (userId: string, place: { before?: number; after?: number }) => {
      const answer = await world.calls.getMessages({ actor: actorOf(userId), conversationId, ...place })
      if (answer.ok) return answer.value.messages.map(({ sequence }) => sequence)
      return { code: answer.refusal.code, data: answer.refusal.data }
    }
    return { alice, bob, carol, conversationId, messages, read }
  }

  const expiryOf = (sequence: number) => shifted(timeOf(sequence), 30 * DAY_MS)
  const from = (first: number, last: number) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
  const refusal = (firstKeptSequence: number) => ({ code: 'history_expired', data: { firstKeptSequence } })

  /** As a sweep does it. */
  const tellKept = (conversationId: string, values: { firstKeptSequence: number; keptFrom?: Date }) =>
    world.db.updateTable('conversations').set(values).where('id', '=', conversationId).execute()

  /** Every page that can be asked for, where the first kept message is known. */
  async function expectPages({ bob, carol, read }: Awaited<ReturnType<typeof talk>>, firstKept: number): Promise<void> {
    for (const [userId, visibleFrom] of [
      [bob, 1],
      [carol, 5],
    ] as const) {
      const first = Math.max(firstKept, visibleFrom)
      const isShort = firstKept > visibleFrom
      expect(await read(userId, {})).toEqual(from(first, COUNT))
      for (let place = 0; place <= COUNT + 2; place++) {
        const older = isShort && place < firstKept ? refusal(firstKept) : from(first, Math.min(COUNT, place - 1))
        expect(await read(userId, { before: place })).toEqual(older)
        const newer = isShort && place + 1 < firstKept ? refusal(firstKept) : from(Math.max(first, place + 1), COUNT)
        expect(await read(userId, { after: place })).toEqual(newer)
      }
    }
  }

  test('a page from before the first that is kept is refused with its sequence, and every other is given', async () => {
    const talked = await talk()
    clock.moveTo(shifted(expiryOf(1), -1))
    await expectPages(talked, 1)
    for (const expired of [1, 4, 5, COUNT]) {
      for (const lateByMs of [0, 1, SPACING_MS - 1]) {
        clock.moveTo(shifted(expiryOf(expired), lateByMs))
        await expectPages(talked, expired + 1)
      }
    }
  })

  test('the same where those that have expired are gone, in part or all, and where that is told', async () => {
    const talked = await talk()
    const { conversationId } = talked
    clock.moveTo(expiryOf(6))
    const remove = (sequences: number[]) =>
      world.db
        .deleteFrom('messages')
        .where('conversationId', '=', conversationId)
        .where('sequence', 'in', sequences)
        .execute()
    for (const gone of [[2, 5], [6], [1, 3, 4]]) {
      await remove(gone)
      await expectPages(talked, 7)
    }
    await tellKept(conversationId, { firstKeptSequence: 4 })
    await expectPages(talked, 7)
    await tellKept(conversationId, { firstKeptSequence: 7 })
    await expectPages(talked, 7)
    await tellKept(conversationId, { firstKeptSequence: 7, keptFrom: timeOf(7) })
    await expectPages(talked, 7)
  })

  test('a longer period shows again what has only been hidden, and nothing of what is told to be gone', async () => {
    const talked = await talk()
    const { bob, alice, conversationId, messages } = talked
    clock.moveTo(expiryOf(6))
    await expectPages(talked, 7)
    await keepFor(conversationId, { messageDays: 31 })
    await expectPages(talked, 1)

    await keepFor(conversationId, { messageDays: 30 })
    await tellKept(conversationId, { firstKeptSequence: 5 })
    await expectPages(talked, 7)
    // As by a period that is a little longer.
    clock.moveTo(expiryOf(2))
    await expectPages(talked, 5)
    await keepFor(conversationId, { messageDays: 3_650 })
    await expectPages(talked, 5)
    expect(await seenBy(bob, conversationId)).toMatchObject({ firstKeptSequence: 5, retentionDays: 3_650 })
    const [gone, kept] = [messages[3]!, messages[4]!].map((message) => ({
      conversationId,
      messageId: message.id,
      sequence: message.sequence,
    }))
    const quiet = { edits: false, ownRepair: false, last: false, listed: false, unread: 6, mentions: 0 }
    expect(await pathsTo(world, bob, gone!)).toEqual({ ...hidden, unread: 6 })
    expect(await useOf(world, alice, gone!)).toEqual(impossible)
    expect(await pathsTo(world, bob, kept!)).toEqual({ ...shown, ...quiet })
  })

  test('only those that are kept count as unread, and only they mention', async () => {
    const talked = await talk()
    const { bob, carol, conversationId, messages } = talked
    for (const sequence of [2, 5, 9]) {
      const { id: messageId } = messages[sequence - 1]!
      await world.db.insertInto('unreadMentions').values({ userId: bob, conversationId, sequence, messageId }).execute()
    }
    const counts = async (userId: string) => {
      const { me } = await seenBy(userId, conversationId)
      return [me!.unreadCount, me!.mentionCount]
    }
    const listed = async () => {
      const { conversations } = must(await world.calls.listConversations({ actor: actorOf(bob) }))
      const { me } = conversations.find(({ id }) => id === conversationId)!
      return [me!.unreadCount, me!.mentionCount]
    }
    for (const [expired, byMs, expected, ofCarol] of [
      [1, -1, [10, 3], 6],
      [1, 0, [9, 3], 6],
      [2, -1, [9, 3], 6],
      [2, 0, [8, 2], 6],
      [5, 0, [5, 1], 5],
      [9, -1, [2, 1], 2],
      [9, 0, [1, 0], 1],
      [10, 0, [0, 0], 0],
    ] as const) {
      clock.moveTo(shifted(expiryOf(expired), byMs))
      expect(await counts(bob)).toEqual(expected)
      expect(await listed()).toEqual(expected)
      expect(await counts(carol)).toEqual([ofCarol, 0])
    }
    const mark = { actor: actorOf(bob), conversationId, deliveredSequence: 5, readSequence: 5 }
    must(await world.calls.markReceipts({ marks: [mark] }))
    for (const [expired, expected] of [
      [3, [5, 1]],
      [5, [5, 1]],
      [6, [4, 1]],
      [9, [1, 0]],
    ] as const) {
      clock.moveTo(expiryOf(expired))
      expect(await counts(bob)).toEqual(expected)
    }
    // Told to be gone, they do not count again, however long the period is.
    await tellKept(conversationId, { firstKeptSequence: 10 })
    for (const expired of [9, 1]) {
      clock.moveTo(expiryOf(expired))
      expect(await counts(bob)).toEqual([1, 0])
    }
    await tellKept(conversationId, { firstKeptSequence: 10, keptFrom: timeOf(10) })
    expect(await counts(bob)).toEqual([1, 0])
  })
})

test('who comes into a conversation is told for how long it keeps, and what it keeps from', async () => {
  await setRules(rulesOf(365, { group: { messageDays: 40, fileDays: null } }))
  const [alice, bob] = [newUser(), newUser()]
  const created = await world.createGroup(alice)
  expect(created).toMatchObject({ retentionDays: 40, firstKeptSequence: 1 })
  const { id: conversationId } = created
  messageOf(await world.send(alice, conversationId))
  await world.db.updateTable('conversations').set({ firstKeptSequence: 2 }).where('id', '=', conversationId).execute()
  await keepFor(conversationId, { messageDays: 50 })
  must(await world.calls.addMembers({ actor: actorOf(alice), conversationId, userIds: [bob] }))
  const kept = { retentionDays: 50, firstKeptSequence: 2 }
  const toldTo = (topic: string) =>
    world.deliveries
      .filter((delivery) => delivery.topic === topic)
      .map(({ argument }) => JSON.parse(new TextDecoder().decode(argument)))
  await expect.poll(() => toldTo(`u:${bob}`), { timeout: 15_000 }).toMatchObject([kept])
  expect(await seenBy(bob, conversationId)).toMatchObject(kept)
  const synced = must(await world.calls.sync({ actor: actorOf(bob), conversations: [], since: null }))
  expect(synced.conversations).toMatchObject([{ conversation: kept }])
  const repaired = must(await world.calls.listChanges({ topic: `u:${bob}`, afterVersion: 0 }))
  expect(repaired.changes).toMatchObject([{ argument: kept }])
  const renamed = await world.calls.updateConversation({ actor: actorOf(alice), conversationId, title: 'Plans' })
  expect(must(renamed)).toMatchObject({ ...kept, title: 'Plans' })
})
