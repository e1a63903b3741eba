import { randomUUID } from 'node:crypto'
import { must } from '@parley/bus'
import type { RetentionRules } from '@parley/contracts'
import { openPostgres } from '@parley/postgres'
import { loadHistory, silentLog } from '@parley/testing'
import fc from 'fast-check'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { createMonths } from '../src/store/months.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import { audit } from './audit.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { DAY_MS, expireAll, expireThrough, goneUploads, openDatabase, readTold, rulesOf } from './expire.ts'
import { hold } from './hold.ts'
import { afterExpiry, readStored, type Holding } from './stored.ts'
import { actorOf, codeOf, newUser, openWorld, refusalOf } from './world.ts'

const LONG = 120_000
const to = new Date()
const from = new Date(to.getTime() - 730 * DAY_MS)
const shares = { edits: 0.2, reactions: 0.2, attachments: 0.2, mentions: 0.2 }

const mixed = rulesOf(365, {
  default: { messageDays: 365, fileDays: 200 },
  direct: { messageDays: 90, fileDays: null },
  channel: { messageDays: null, fileDays: 30 },
})

/** Days of their own for some conversations, and holds on some users and conversations. */
async function mixUp(db: Db): Promise<Holding> {
  const conversations = await db.selectFrom('conversations').select('id').orderBy('id').execute()
  const own = [
    [10, null],
    [400, 50],
    [null, 5],
    [700, 700],
    [36_500, null],
  ] as const
  for (const [index, [messageDays, fileDays]] of own.entries()) {
    const { id } = conversations[index]!
    await db.updateTable('conversations').set({ messageDays, fileDays }).where('id', '=', id).execute()
  }
  const sender = await db.selectFrom('messages').select('senderId').orderBy('id').executeTakeFirstOrThrow()
  const holding = {
    userIds: [sender.senderId],
    conversationIds: [0, 5, 6].map((index) => conversations[index]!.id),
  }
  await place(db, holding)
  return holding
}

async function place(db: Db, { userIds, conversationIds }: Holding): Promise<void> {
  const holds = [
    ...userIds.map((userId) => ({ id: randomUUID(), userId, conversationId: null })),
    ...conversationIds.map((conversationId) => ({ id: randomUUID(), userId: null, conversationId })),
  ]
  if (holds.length > 0) await db.insertInto('holds').values(holds).execute()
}

const forgetTold = (db: Db) => db.deleteFrom('outbox').execute()

/** A conversation of one member with messages of these moments. */
async function conversationWith(db: Db, moments: readonly Date[], days: number | null = null): Promise<string> {
  const [id, userId] = [newUser(), newUser()]
  const first = moments[0]!
  const ids = moments.map((moment) => v7({ msecs: moment.getTime() }))
  await sql`
    insert into conversations (id, kind, created_by, created_at, creation_hash, version, last_sequence, last_message_id,
      last_message_at, member_count, history_visibility, message_days)
    values (${id}, 'group', ${userId}, ${first}, '', ${moments.length + 1}, ${moments.length}, ${ids.at(-1)},
      ${moments.at(-1)}, 1, 'joined', ${days})`.execute(db)
  await sql`
    insert into messages (id, conversation_id, sequence, created_version, version, sender_id, text, mentions, content_hash,
      created_at)
    select given.id, ${id}, n, n + 1, n + 1, ${userId}, 'x', '{}', '', moment
    from unnest(${ids}::uuid[], ${[...moments]}::timestamptz[]) with ordinality given (id, moment, n)`.execute(db)
  return id
}

const momentsIn = async (db: Db, conversationId: string) => {
  const rows = await db
    .selectFrom('messages')
    .select('createdAt')
    .where('conversationId', '=', conversationId)
    .orderBy('sequence')
    .execute()
  return rows.map(({ createdAt }) => createdAt.toISOString())
}

test(
  'of two years, with many rules and holds, exactly what should remains, and again when time goes on',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    await loadHistory({ url, conversations: 30, messages: 9_000, users: 12, membersPerGroup: 4, from, to, shares })
    expect(await audit(db)).toEqual([])
    const holding = await mixUp(db)
    const gone = new Set<string>()
    for (const days of [0, 0, 17, 200, 365]) {
      const now = new Date(to.getTime() + days * DAY_MS)
      const expected = afterExpiry(await readStored(db), { rules: mixed, now, holding })
      expect(await expireAll(db, { rules: mixed, now, partMs: days === 17 ? 1 : 200 })).toMatchObject({ isBusy: false })
      expect(await readStored(db)).toEqual(expected.stored)
      for (const id of goneUploads(await readTold(db))) gone.add(id)
      expect([...gone]).toEqual(expect.arrayContaining([...expected.goneUploads]))
      await forgetTold(db)
    }
    expect((await readStored(db)).held.length).toBeGreaterThan(100)
  },
)

test(
  'a file is told to be gone once, when it expires, and what a hold keeps only after that',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    await loadHistory({ url, conversations: 10, messages: 2_000, users: 8, membersPerGroup: 4, from, to, shares })
    const holding = await mixUp(db)
    const uploads = (await readStored(db)).messages.flatMap(({ uploadIds }) => uploadIds)
    const { goneUploads: expected } = afterExpiry(await readStored(db), { rules: mixed, now: to, holding })
    const first = await expireAll(db, { rules: mixed, now: to })
    expect(goneUploads(await readTold(db))).toEqual(expected)
    expect(first.counts['files']).toBe(expected.length)
    await forgetTold(db)
    // All the rest, and of what was held nothing yet.
    const later = new Date(to.getTime() + 36_600 * DAY_MS)
    await expireAll(db, { rules: mixed, now: later })
    const told = goneUploads(await readTold(db))
    await forgetTold(db)
    await db.deleteFrom('holds').execute()
    const { counts } = await expireAll(db, { rules: mixed, now: later })
    const released = goneUploads(await readTold(db))
    expect([...expected, ...told, ...released].toSorted()).toEqual(uploads.toSorted())
    expect(counts['files']).toBe(released.length)
    expect(await readStored(db)).toMatchObject({
      messages: [],
      edits: [],
      reactions: [],
      mentions: [],
      reads: [],
      held: [],
    })
  },
)

test(
  'each conversation in which something expired changes once, and is told with its first kept message',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    await loadHistory({ url, conversations: 12, messages: 1_200, from, to })
    const before = new Map((await readStored(db)).conversations.map((one) => [one.id, one]))
    await expireAll(db, { rules: rulesOf(365), now: to })
    const after = (await readStored(db)).conversations
    const told = (await readTold(db)).filter((change) => change.kind === 'conversation-updated')
    expect(told).toHaveLength(12)
    for (const { conversation } of told) {
      const { version, firstKeptSequence } = after.find(({ id }) => id === conversation.id)!
      expect(conversation).toMatchObject({ version, firstKeptSequence })
      expect(version).toBe(before.get(conversation.id)!.version + 1)
    }
    await forgetTold(db)
    expect(await expireAll(db, { rules: rulesOf(365), now: to })).toEqual({ counts: {}, isBusy: false })
    expect(await readTold(db)).toEqual([])
  },
)

test('what was created a millisecond later stays, across months and the leap day', async () => {
  await using database = await openDatabase()
  const { db } = database
  for (const [now, days, boundary] of [
    // A year of 365 days that holds the 29th of February.
    ['2028-06-01T00:00:00.000Z', 365, '2027-06-02T00:00:00.000Z'],
    ['2028-03-02T12:00:00.000Z', 2, '2028-02-29T12:00:00.000Z'],
    ['2028-03-03T00:00:00.000Z', 2, '2028-03-01T00:00:00.000Z'],
    // When clocks are changed somewhere, a day has 24 hours all the same.
    ['2028-03-27T01:30:00.000Z', 2, '2028-03-25T01:30:00.000Z'],
  ] as const) {
    const at = Date.parse(boundary)
    await createMonths(db, { now: new Date(at), ahead: 1 })
    const moments = [at - DAY_MS, at - 1, at, at + 1, at + DAY_MS].map((moment) => new Date(moment))
    const id = await conversationWith(db, moments, days)
    await expireAll(db, { rules: rulesOf(36_500), now: new Date(now) })
    expect(await momentsIn(db, id)).toEqual(moments.slice(3).map((moment) => moment.toISOString()))
    await db.updateTable('conversations').set({ messageDays: null }).where('id', '=', id).execute()
  }
})

test('what has expired does not come back when it is kept for longer, and what comes later expires too', async () => {
  await using database = await openDatabase()
  const { db } = database
  const at = (days: number) => new Date(to.getTime() - days * DAY_MS)
  await createMonths(db, { now: to, ahead: 1 })
  const id = await conversationWith(db, [at(20), at(10)])
  await expireAll(db, { rules: rulesOf(5), now: to })
  expect(await db.selectFrom('conversations').select(['firstKeptSequence', 'keptFrom']).executeTakeFirst()).toEqual({
    firstKeptSequence: 3,
    keptFrom: at(5),
  })
  await sql`
    insert into messages (id, conversation_id, sequence, created_version, version, sender_id, text, mentions, content_hash,
      created_at) values (${v7()}, ${id}, 3, 5, 5, ${newUser()}, 'x', '{}', '', ${to})`.execute(db)
  await sql`update conversations set last_sequence = 3, version = 5, last_message_at = ${to}`.execute(db)
  await expireAll(db, { rules: rulesOf(365), now: to })
  expect(await momentsIn(db, id)).toEqual([to.toISOString()])
  await expireAll(db, { rules: rulesOf(365), now: new Date(to.getTime() + 365 * DAY_MS) })
  expect(await momentsIn(db, id)).toEqual([])
})

test('messages of the default rule alone are left to their months when that is asked', { timeout: LONG }, async () => {
  await using database = await openDatabase()
  const { url, db } = database
  await loadHistory({ url, conversations: 20, messages: 2_000, from, to, shares })
  const rules = rulesOf(365, { direct: { messageDays: 90, fileDays: null } })
  const before = await readStored(db)
  const { stored } = afterExpiry(before, { rules, now: to, holding: { userIds: [], conversationIds: [] } })
  await expireAll(db, { rules, now: to, leaveDefaultToMonths: true })
  const after = await readStored(db)
  const kinds = new Map(before.conversations.map(({ id, kind }) => [id, kind]))
  const isDirect = ({ conversationId }: { conversationId: string }) => kinds.get(conversationId) === 'direct'
  expect(after.conversations).toEqual(stored.conversations)
  expect(after.messages.filter(isDirect)).toEqual(stored.messages.filter(isDirect))
  expect(after.messages.filter((one) => !isDirect(one))).toEqual(before.messages.filter((one) => !isDirect(one)))
  // Neither are they looked for again.
  expect(await expireAll(db, { rules, now: to, leaveDefaultToMonths: true })).toEqual({ counts: {}, isBusy: false })
})

const steps = [
  'for no key update skip locked',
  'set first_kept_sequence',
  'insert into "outbox"',
  'pg_advisory_xact_lock_shared',
  'insert into "held_messages"',
  'delete from "messages"',
  'delete from "message_edits"',
  'delete from "unread_mentions"',
  'delete from read_log',
  'set "kept_from"',
  'set "files_kept_from"',
  'delete from "held_messages"',
  'commit',
]

test('cut off after any step, twice, the next time goes on and ends right', { timeout: LONG }, async () => {
  await using database = await openDatabase()
  const { url, db } = database
  await loadHistory({ url, conversations: 12, messages: 1_500, users: 8, membersPerGroup: 4, from, to, shares })
  const holding = await mixUp(db)
  const { stored, goneUploads: gone } = afterExpiry(await readStored(db), { rules: mixed, now: to, holding })
  await db
    .insertInto('heldMessages')
    .values({
      id: v7(),
      conversationId: newUser(),
      sequence: 1,
      senderId: newUser(),
      createdAt: from,
      content: '{}',
      uploadIds: [newUser()],
      reason: 'deleted',
    })
    .execute()
  await using proxy = await cuttingProxy(url)
  let cut = 0
  for (const step of [...steps, ...steps]) {
    await using cutOff = openPostgres<Tables>({ url: proxy.url, service: 'messaging', log: silentLog })
    proxy.cutNextReplyTo(step)
    cut += await expireAll(cutOff.db, { rules: mixed, now: to, partMs: 60_000 }).then(
      () => 0,
      () => 1,
    )
  }
  expect(cut).toBeGreaterThanOrEqual(steps.length)
  await vi.waitFor(
    async () => {
      await expireAll(db, { rules: mixed, now: to })
      expect(await readStored(db)).toEqual(stored)
    },
    { timeout: 10_000 },
  )
  expect([...new Set(goneUploads(await readTold(db)))]).toEqual(expect.arrayContaining([...gone]))
})

test('two that expire at once, again and again, do together what one does', { timeout: LONG }, async () => {
  await using database = await openDatabase()
  const { url, db } = database
  await loadHistory({ url, conversations: 40, messages: 6_000, users: 8, membersPerGroup: 4, from, to, shares })
  const holding = await mixUp(db)
  const { stored } = afterExpiry(await readStored(db), { rules: mixed, now: to, holding })
  const both = [
    await Promise.all([1, 2].map(() => expireAll(db, { rules: mixed, now: to }))),
    await Promise.all([1, 2].map(() => expireAll(db, { rules: mixed, now: to }))),
  ].flat()
  expect(await readStored(db)).toEqual(stored)
  const deleted = both.reduce((sum, { counts }) => sum + (counts['postgres.messages'] ?? 0), 0)
  expect(deleted).toBe(6_000 - stored.messages.length)
})

test('a conversation that somebody has is busy, the others are done, and it is the next time', async () => {
  await using world = await openWorld({ instances: 0 })
  const { db } = world
  await createMonths(db, { now: to, ahead: 1 })
  const old = [new Date(to.getTime() - 20 * DAY_MS), new Date(to.getTime() - 10 * DAY_MS)]
  const ids = [await conversationWith(db, old), await conversationWith(db, old)]
  const held = await hold(world, sql`select from conversations where id = ${ids[0]} for update`)
  expect(await expireAll(db, { rules: rulesOf(5), now: to })).toMatchObject({ isBusy: true })
  expect(await Promise.all(ids.map((id) => momentsIn(db, id)))).toEqual([old.map((one) => one.toISOString()), []])
  await held[Symbol.asyncDispose]()
  expect(await expireAll(db, { rules: rulesOf(5), now: to })).toMatchObject({ isBusy: false })
  expect(await momentsIn(db, ids[0]!)).toEqual([])
})

test('clients and other services hear of it, and who writes meanwhile hardly waits', { timeout: LONG }, async () => {
  await using world = await openWorld({ instances: 0 })
  const { db, databaseUrl: url } = world
  const upTo = new Date(to.getTime() - DAY_MS)
  const { conversations } = await loadHistory({
    url,
    conversations: 20,
    messages: 20_000,
    users: 40,
    from,
    to: upTo,
    shares,
  })
  await Promise.all([world.startInstance(), world.startInstance()])
  must(await world.calls.setRetentionRules({ rules: rulesOf(60) }))
  const before = new Map((await readStored(db)).conversations.map((one) => [one.id, one.version]))
  const groups = conversations.filter(({ kind }) => kind === 'group')
  let isOver = false
  const waits: number[] = []
  const writing = groups.slice(0, 6).map(async ({ id, memberIds }) => {
    while (!isOver) {
      const startedAt = performance.now()
      expect(codeOf(await world.send(memberIds[0]!, id))).toBe('sent')
      waits.push(performance.now() - startedAt)
    }
  })
  // The rules reach the other instance within two seconds.
  await expect
    .poll(
      async () => {
        await expireThrough(world.calls)
        const { messages } = await readStored(db)
        return messages.filter(({ createdAt }) => createdAt.getTime() <= Date.now() - 60 * DAY_MS - 60_000).length
      },
      { timeout: 60_000 },
    )
    .toBe(0)
  isOver = true
  await Promise.all(writing)
  const sorted = waits.toSorted((a, b) => a - b)
  expect(sorted[Math.floor(sorted.length * 0.99)]).toBeLessThan(500)
  const { id, memberIds } = groups[0]!
  const actor = actorOf(memberIds[0]!)
  const { firstKeptSequence } = must(await world.calls.getConversation({ actor, conversationId: id }))
  expect(firstKeptSequence).toBeGreaterThan(1)
  expect(refusalOf(await world.calls.getMessages({ actor, conversationId: id, before: 1 }))).toBe('history_expired')
  await expect
    .poll(() => world.events.some(({ subject }) => subject === `messaging.event.conversation-updated.${id}`), {
      timeout: 20_000,
    })
    .toBe(true)
  const repaired = must(await world.calls.listChanges({ topic: `c:${id}`, afterVersion: before.get(id)! }))
  expect(repaired.changes.map(({ event }) => event)).toContain('ConversationUpdated')
})

test('a cursor that is not one begins anew, and does no harm', async () => {
  await using world = await openWorld()
  for (const cursor of ['', '{}', '{"step":"nothing"}', 'x'.repeat(1_000)]) {
    const part = must(await world.calls.expireMessages({ cursor, leaveDefaultToMonths: false }))
    expect(part).toEqual({ counts: {}, cursor: null, outcome: 'done' })
  }
})

const days = fc.integer({ min: 2, max: 900 })
const maybeDays = fc.option(days, { nil: null })
const periods = fc.record({ messageDays: maybeDays, fileDays: maybeDays })

test('whatever the rules, the holds and the time are, exactly what should remains', { timeout: LONG }, async () => {
  await using database = await openDatabase()
  const { url, db } = database
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        default: fc.record({ messageDays: days, fileDays: maybeDays }),
        direct: periods,
        group: periods,
        channel: periods,
      }),
      fc.array(periods, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 3 }),
      async (asked, own, heldUsers, heldConversations, waits) => {
        const rules: RetentionRules = { revision: 1, ...asked }
        await sql`truncate conversations, members, membership_changes, users, messages, message_edits, reactions,
          unread_mentions, read_log, conversation_receipts, holds, held_messages, outbox`.execute(db)
        await loadHistory({ url, conversations: 6, messages: 150, users: 4, membersPerGroup: 3, from, to, shares })
        const { conversations, messages } = await readStored(db)
        for (const [index, of] of own.entries()) {
          await db.updateTable('conversations').set(of).where('id', '=', conversations[index]!.id).execute()
        }
        const holding = {
          userIds: heldUsers.map((index) => messages[index % messages.length]!.senderId),
          conversationIds: heldConversations.map((index) => conversations[index % conversations.length]!.id),
        }
        await place(db, holding)
        let now = to.getTime()
        for (const wait of waits) {
          now += wait * DAY_MS
          const { stored } = afterExpiry(await readStored(db), { rules, now: new Date(now), holding })
          await expireAll(db, { rules, now: new Date(now) })
          expect(await readStored(db)).toEqual(stored)
        }
      },
    ),
    { numRuns: 15 },
  )
})
