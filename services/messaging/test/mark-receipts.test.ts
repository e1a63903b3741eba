import { migrate, openPostgres } from '@parley/postgres'
import type { ConversationKind } from '@parley/protocol'
import { silentLog, testDatabase } from '@parley/testing'
import fc from 'fast-check'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { receiptsOf } from '../src/delivery/receipts-of.ts'
import { markOf, type Mark } from '../src/domain/receipts.ts'
import { sendOf } from '../src/domain/send.ts'
import { markReceipts } from '../src/store/mark-receipts.ts'
import { createMonths } from '../src/store/months.ts'
import { sendGroup } from '../src/store/send-group.ts'
import { writePrivateRead } from '../src/store/settings.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import { migrations, newUser } from './world.ts'

async function openDatabase() {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await testDatabase('messaging'))
  await migrate({ url, service: 'messaging', folder: migrations, log: silentLog })
  const { db } = stack.use(openPostgres<Tables>({ url, service: 'test', log: silentLog }))
  await createMonths(db, { now: new Date(), ahead: 1 })
  const opened = stack.move()
  return { db, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** A conversation as it is after some time, without what was said in it. */
async function insertConversation(
  db: Db,
  userIds: readonly string[],
  given: { kind?: ConversationKind; lastSequence?: number; memberCount?: number } = {},
): Promise<string> {
  const { kind = 'group', lastSequence = 0, memberCount = userIds.length } = given
  const id = v7()
  const at = new Date()
  await db
    .insertInto('conversations')
    .values({
      id,
      kind,
      historyVisibility: 'all',
      createdBy: userIds[0]!,
      createdAt: at,
      creationHash: Buffer.alloc(0),
      version: 1,
      lastSequence,
      memberCount,
    })
    .execute()
  const member = { role: 'member', joinedAt: at, joinedVersion: 1, joinedSequence: 0, visibleFromSequence: 1 } as const
  await db
    .insertInto('members')
    .values(userIds.map((userId) => ({ ...member, conversationId: id, userId, deliveredSequence: 0, readSequence: 0 })))
    .execute()
  return id
}

const mark = (
  conversationId: string,
  userId: string,
  readSequence: number,
  besides: { deliveredSequence?: number; connectionId?: string } = {},
): Mark => markOf({ conversationId, userId, deliveredSequence: 0, readSequence, ...besides })

/** Delivered, read, and read as others know it. */
async function watermarks(db: Db, conversationId: string, userId: string): Promise<number[]> {
  const row = await db
    .selectFrom('members')
    .select(['deliveredSequence', 'readSequence', 'shownReadSequence'])
    .where('conversationId', '=', conversationId)
    .where('userId', '=', userId)
    .executeTakeFirstOrThrow()
  return [row.deliveredSequence, row.readSequence, row.shownReadSequence]
}

const logOf = (db: Db) => db.selectFrom('readLog').selectAll().orderBy('id').execute()

test('reading raises delivered, delivering does not raise read, and nothing goes beyond the last message', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const id = await insertConversation(db, [alice, bob], { lastSequence: 10 })
  const { verdicts } = await markReceipts(db, [mark(id, alice, 4), mark(id, bob, 0, { deliveredSequence: 7 })])
  expect(verdicts).toEqual(Array(2).fill({ outcome: 'marked', kind: 'group', memberCount: 2 }))
  expect(await watermarks(db, id, alice)).toEqual([4, 4, 4])
  expect(await watermarks(db, id, bob)).toEqual([7, 0, 0])
  await markReceipts(db, [mark(id, alice, 1_000), mark(id, bob, 3, { deliveredSequence: 99 })])
  expect(await watermarks(db, id, alice)).toEqual([10, 10, 10])
  expect(await watermarks(db, id, bob)).toEqual([10, 3, 3])
})

test('watermarks never fall, whatever is marked in whatever order', async () => {
  await using database = await openDatabase()
  const { db } = database
  const users = [newUser(), newUser()]
  await writePrivateRead(db, users[1]!, true)
  const said = fc.record({ user: fc.nat(1), read: fc.nat(12), delivered: fc.nat(12) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(said, { maxLength: 2, selector: ({ user }) => user }), { maxLength: 6 }),
      async (writes) => {
        const id = await insertConversation(db, users, { lastSequence: 8 })
        const expected = users.map(() => ({ delivered: 0, read: 0 }))
        for (const write of writes) {
          await markReceipts(
            db,
            write.map(({ user, read, delivered }) => mark(id, users[user]!, read, { deliveredSequence: delivered })),
          )
          for (const { user, read, delivered } of write) {
            const known = expected[user]!
            known.read = Math.max(known.read, Math.min(read, 8))
            known.delivered = Math.max(known.delivered, Math.min(Math.max(read, delivered), 8))
          }
        }
        for (const [index, { delivered, read }] of expected.entries()) {
          expect(await watermarks(db, id, users[index]!)).toEqual([delivered, read, index === 1 ? 0 : read])
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('a write leaves one row of the log for each conversation, and one to tell of it all', async () => {
  await using database = await openDatabase()
  const { db } = database
  const users = Array.from({ length: 20 }, newUser)
  const ids = await Promise.all([1, 2, 3].map(() => insertConversation(db, users, { lastSequence: 5 })))
  const begun = Date.now()
  const { told } = await markReceipts(
    db,
    ids.flatMap((id) => users.map((userId) => mark(id, userId, 5))),
  )
  const log = await logOf(db)
  expect(log.map(({ conversationId }) => conversationId).toSorted()).toEqual(ids.toSorted())
  for (const { id, userIds, sequences } of log) {
    expect(userIds.toSorted()).toEqual(users.toSorted())
    expect(sequences.map(Number)).toEqual(Array(20).fill(5))
    expect(id[14]).toBe('7')
    const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
    expect(time).toBeGreaterThanOrEqual(begun - 1_000)
    expect(time).toBeLessThanOrEqual(Date.now() + 1_000)
  }
  expect(told?.events).toHaveLength(3)
  expect(await db.selectFrom('outbox').selectAll().execute()).toMatchObject([{ id: told?.id, events: told?.events }])
  expect(await db.selectFrom('conversationReceipts').select('conversationId').execute()).toHaveLength(3)
})

test('what raises nothing writes nothing, not even a lock', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  await writePrivateRead(db, bob, true)
  const id = await insertConversation(db, [alice, bob], { lastSequence: 5 })
  const marks = [mark(id, alice, 5), mark(id, bob, 9)]
  expect((await markReceipts(db, marks)).told).toBeDefined()
  const transactionsOf = () =>
    sql`select user_id, xmin::text, xmax::text from members order by user_id`.execute(db).then(({ rows }) => rows)
  const before = await transactionsOf()
  const again = await markReceipts(db, [...marks.slice(1), mark(id, alice, 3)])
  expect(again.verdicts.map(({ outcome }) => outcome)).toEqual(['marked', 'marked'])
  expect(again.told).toBeUndefined()
  expect(await transactionsOf()).toEqual(before)
  expect(await logOf(db)).toHaveLength(1)
  expect(await db.selectFrom('outbox').selectAll().execute()).toHaveLength(1)
})

test('who is not a member is refused, and so is who was, while their neighbours are heard', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob, carol] = [newUser(), newUser(), newUser()]
  const id = await insertConversation(db, [alice, bob, carol], { lastSequence: 5 })
  await db
    .updateTable('members')
    .set({ leftAt: new Date(), leftVersion: 2, leftSequence: 5 })
    .where('userId', '=', bob)
    .execute()
  const marks = [mark(id, bob, 5), mark(id, newUser(), 5), mark(v7(), alice, 5), mark(id, carol, 5)]
  const { verdicts, told } = await markReceipts(db, marks)
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(['not_a_member', 'not_a_member', 'not_a_member', 'marked'])
  expect(await watermarks(db, id, bob)).toEqual([0, 0, 0])
  expect(await watermarks(db, id, carol)).toEqual([5, 5, 5])
  expect(told?.events).toMatchObject([{ shown: [{ userId: carol }], own: [{ userId: carol }] }])
})

test('others are told of reads but not of those of a private reader, whose own devices are told', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  await writePrivateRead(db, bob, true)
  const id = await insertConversation(db, [alice, bob], { lastSequence: 5 })
  const { told } = await markReceipts(db, [
    mark(id, alice, 2, { deliveredSequence: 5, connectionId: 'phone' }),
    mark(id, bob, 5, { connectionId: 'desk' }),
  ])
  const ofAlice = { userId: alice, deliveredSequence: 5, readSequence: 2 }
  const ofBob = { userId: bob, deliveredSequence: 5, readSequence: 0 }
  const [shown, ...own] = told!.events.flatMap(receiptsOf)
  expect(shown).toMatchObject({ topic: `c:${id}`, conversationId: id, gatherMs: 1_000 })
  expect(shown!.receipts).toHaveLength(2)
  expect(shown!.receipts).toEqual(expect.arrayContaining([ofAlice, ofBob]))
  const personal = { conversationId: id, gatherMs: 0 }
  expect(own).toHaveLength(2)
  expect(own).toEqual(
    expect.arrayContaining([
      { ...personal, topic: `u:${alice}`, receipts: [ofAlice], exceptConnectionId: 'phone' },
      { ...personal, topic: `u:${bob}`, receipts: [{ ...ofBob, readSequence: 5 }], exceptConnectionId: 'desk' },
    ]),
  )
  expect(await watermarks(db, id, bob)).toEqual([5, 5, 0])
  expect(await logOf(db)).toMatchObject([{ userIds: [alice], sequences: ['2'] }])
  // Public again, the same mark is news for others, and for nobody else.
  await writePrivateRead(db, bob, false)
  const later = await markReceipts(db, [mark(id, bob, 5)])
  expect(later.told?.events).toMatchObject([{ shown: [{ userId: bob, readSequence: 5 }], own: [] }])
})

test('direct conversations are told at once, groups the later the larger they are, channels and beyond not at all', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const gatherOf = async (given: { kind: ConversationKind; memberCount: number }) => {
    const id = await insertConversation(db, [alice, bob], { ...given, lastSequence: 1 })
    const { told } = await markReceipts(db, [mark(id, alice, 1)])
    return (told!.events[0] as { gatherMs: number | null }).gatherMs
  }
  expect(await gatherOf({ kind: 'direct', memberCount: 2 })).toBe(0)
  expect(await gatherOf({ kind: 'group', memberCount: 2 })).toBe(1_000)
  expect(await gatherOf({ kind: 'group', memberCount: 1_000 })).toBe(30_000)
  expect(await logOf(db)).toHaveLength(3)
  expect(await gatherOf({ kind: 'group', memberCount: 1_001 })).toBeNull()
  expect(await gatherOf({ kind: 'channel', memberCount: 2 })).toBeNull()
  expect(await logOf(db)).toHaveLength(3)
})

test('reading clears the mentions it covers, of this user and in this conversation', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const [id, other] = [
    await insertConversation(db, [alice, bob], { lastSequence: 5 }),
    await insertConversation(db, [alice, bob], { lastSequence: 5 }),
  ]
  const mention = (conversationId: string, userId: string, sequence: number) =>
    db.insertInto('unreadMentions').values({ conversationId, userId, sequence, messageId: v7() }).execute()
  for (const sequence of [1, 3, 4]) await mention(id, alice, sequence)
  await mention(id, bob, 1)
  await mention(other, alice, 1)
  await markReceipts(db, [mark(id, alice, 3)])
  const left = await db.selectFrom('unreadMentions').select(['conversationId', 'userId', 'sequence']).execute()
  expect(left).toHaveLength(3)
  expect(left).toEqual(
    expect.arrayContaining([
      { conversationId: id, userId: alice, sequence: 4 },
      { conversationId: id, userId: bob, sequence: 1 },
      { conversationId: other, userId: alice, sequence: 1 },
    ]),
  )
})

test('a member who is held elsewhere is busy, and holds up nobody', async () => {
  await using database = await openDatabase()
  const { db } = database
  const [alice, bob] = [newUser(), newUser()]
  const id = await insertConversation(db, [alice, bob], { lastSequence: 5 })
  const held = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const holding = db.transaction().execute(async (transaction) => {
    await sql`select from members where user_id = ${alice} for update`.execute(transaction)
    held.resolve()
    await release.promise
  })
  await held.promise
  const { verdicts } = await markReceipts(db, [mark(id, alice, 5), mark(id, bob, 5)])
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(['busy', 'marked'])
  release.resolve()
  await holding
  expect((await markReceipts(db, [mark(id, alice, 5)])).verdicts).toMatchObject([{ outcome: 'marked' }])
  expect(await watermarks(db, id, alice)).toEqual([5, 5, 5])
})

test('many marks and sends at once neither deadlock nor get lost', async () => {
  await using database = await openDatabase()
  const { db } = database
  const users = Array.from({ length: 8 }, newUser)
  const ids = await Promise.all(Array.from({ length: 4 }, () => insertConversation(db, users)))
  const options = { skipBusy: false, lockTimeoutMs: 2_000, at: new Date() }
  const expected = new Map<string, number>()
  async function sendAndMark(user: number): Promise<void> {
    const userId = users[user]!
    for (let turn = 0; turn < 12; turn++) {
      const sends = ids.map((conversationId) =>
        sendOf(userId, {
          id: v7(),
          conversationId,
          text: String(turn),
          mentions: users.filter((other) => other !== userId),
        }),
      )
      const written = await sendGroup(db, sends, options)
      if (!('verdicts' in written)) throw new Error('sends were contended')
      const marks = written.verdicts.flatMap((verdict, index) => {
        if (verdict.outcome !== 'accepted') throw new Error(verdict.outcome)
        const { sequence } = verdict.message
        // Everybody has read what was just sent, in an order that differs from user to user.
        const readers = [...users.slice(user), ...users.slice(0, user)]
        return readers.map((reader) => {
          const key = `${ids[index]} ${reader}`
          expected.set(key, Math.max(expected.get(key) ?? 0, sequence))
          return mark(ids[index]!, reader, sequence)
        })
      })
      let rest = turn % 2 === 0 ? marks : marks.toReversed()
      await vi.waitFor(
        async () => {
          const { verdicts } = await markReceipts(db, rest)
          rest = rest.filter((_, index) => verdicts[index]!.outcome === 'busy')
          expect(rest).toEqual([])
        },
        { timeout: 20_000, interval: 5 },
      )
    }
  }
  await Promise.all(users.map((_, user) => sendAndMark(user)))
  for (const [key, sequence] of expected) {
    const [id, userId] = key.split(' ') as [string, string]
    expect(await watermarks(db, id, userId)).toEqual([sequence, sequence, sequence])
  }
  expect(expected.size).toBe(32)
  expect(await db.selectFrom('unreadMentions').selectAll().execute()).toEqual([])
})
