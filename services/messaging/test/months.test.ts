import { must } from '@parley/bus'
import { openPostgres, type OutboxRow } from '@parley/postgres'
import { loadHistory, silentLog } from '@parley/testing'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import type { Change } from '../src/domain/change.ts'
import { dropMonths as drop } from '../src/store/drop-months.ts'
import { createMonths } from '../src/store/months.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import { cuttingProxy } from './cutting-proxy.ts'
import { DAY_MS, expireAll, goneUploads, openDatabase, readTold, rulesOf } from './expire.ts'
import { readStored } from './stored.ts'
import { actorOf, codeOf, newUser, openWorld } from './world.ts'

const now = new Date('2026-11-30T23:59:59.999Z')

/** As the service does it; what is told stays in the outbox. */
function dropMonths(
  db: Db,
  options: { now: Date; shortestDays?: number; tell?: (row: OutboxRow<Change>) => Promise<void> },
) {
  const { now, shortestDays = 2, tell = async () => undefined } = options
  const known = { kept: new Map(), emptied: new Map() }
  return drop(db, { now, shortestDays, known, isOver: () => false, tell })
}

async function insertMessage(db: Db, at: Date): Promise<void> {
  const id = v7({ msecs: at.getTime() })
  await sql`
    insert into messages values (${id}, ${newUser()}, 1, 1, 1, ${newUser()}, 'x', null, '{}', ${Buffer.alloc(16)}, ${at})`.execute(
    db,
  )
}

const monthOf = async (db: Db, at: Date) => {
  const { rows } = await sql<{ month: string }>`
    select tableoid::regclass::text as month from messages where created_at = ${at}`.execute(db)
  return rows[0]?.month
}

const tablesOf = async (db: Db) => {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relkind = 'r' and relname like 'messages_2%' order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

/** Reads in a month as a long query would, until it is disposed. */
async function readLong(db: Db): Promise<AsyncDisposable> {
  const reading = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const transaction = db.transaction().execute(async (reader) => {
    await sql`select count(*) from messages`.execute(reader)
    reading.resolve()
    await release.promise
  })
  await reading.promise
  return {
    async [Symbol.asyncDispose]() {
      release.resolve()
      // On a slow machine the server may have ended it before, as an idle one.
      await transaction.catch(() => undefined)
    },
  }
}

test('months are made from the last to some ahead, once, also by several at once', async () => {
  await using database = await openDatabase()
  const { db } = database
  const made = await Promise.all(Array.from({ length: 4 }, () => createMonths(db, { now, ahead: 3 })))
  const months = ['messages_2026_10', 'messages_2026_11', 'messages_2026_12', 'messages_2027_01', 'messages_2027_02']
  expect(made.flatMap(({ created }) => created).toSorted()).toEqual(months)
  expect(await createMonths(db, { now, ahead: 3 })).toEqual({ created: [], months })
  expect(await createMonths(db, { now, ahead: 4 })).toEqual({
    created: ['messages_2027_03'],
    months: [...months, 'messages_2027_03'],
  })
})

test('a message goes to the month of its id, to the millisecond, and nowhere when there is none', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now, ahead: 3 })
  const places = [
    ['2026-10-31T23:59:59.999Z', 'messages_2026_10'],
    ['2026-11-01T00:00:00.000Z', 'messages_2026_11'],
    ['2026-12-31T23:59:59.999Z', 'messages_2026_12'],
    ['2027-01-01T00:00:00.000Z', 'messages_2027_01'],
    ['2027-02-28T23:59:59.999Z', 'messages_2027_02'],
  ] as const
  for (const [at, month] of places) {
    await insertMessage(db, new Date(at))
    expect(await monthOf(db, new Date(at))).toBe(month)
  }
  await expect(insertMessage(db, new Date('2027-03-01T00:00:00.000Z'))).rejects.toThrow('no partition')
  await expect(insertMessage(db, new Date('2026-09-30T23:59:59.999Z'))).rejects.toThrow('no partition')
})

const names = (...months: string[]) => months.map((month) => `messages_${month}`)

test('months of which nothing is kept are dropped, two days after the shortest that anything is kept, and none that may still fill', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  expect(await dropMonths(db, { now, shortestDays: 242 })).toMatchObject({
    dropped: names('2026_01', '2026_02'),
    kept: names('2026_03', '2026_04', '2026_05', '2026_06', '2026_07', '2026_08', '2026_09', '2026_10'),
    busy: [],
  })
  const march = new Date('2026-04-01T00:00:00.000Z').getTime()
  expect(await dropMonths(db, { now: new Date(march + 5 * DAY_MS - 1), shortestDays: 3 })).toMatchObject({
    dropped: [],
  })
  expect(await dropMonths(db, { now: new Date(march + 5 * DAY_MS), shortestDays: 3 })).toMatchObject({
    dropped: names('2026_03'),
  })
  expect(await dropMonths(db, { now })).toMatchObject({ busy: [], kept: [] })
  expect(await tablesOf(db)).toEqual(names('2026_11', '2026_12'))
})

test('a month that is being read is busy, keeps nobody waiting, and goes the next time', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  const ended = { now, shortestDays: 260 }
  await using reader = await readLong(db)
  const dropping = dropMonths(db, ended)
  for (let index = 0; index < 20; index++) await insertMessage(db, new Date('2026-11-30T00:00:00.000Z'))
  expect(await dropping).toMatchObject({ dropped: [], busy: names('2026_01', '2026_02') })
  // Making months ahead does not wait for that either.
  expect((await createMonths(db, { now, ahead: 2 })).created).toEqual(['messages_2027_01'])
  await reader[Symbol.asyncDispose]()
  expect(await dropMonths(db, ended)).toMatchObject({ dropped: names('2026_01', '2026_02'), busy: [] })
})

test('what an interrupted drop has left, detached or half detached, is dropped the next time', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  await sql`alter table messages detach partition messages_2026_02`.execute(db)
  const reader = await readLong(db)
  const detaching = sql`alter table messages detach partition messages_2026_01 concurrently`.execute(db)
  await expect(detaching).rejects.toThrow('lock timeout')
  await reader[Symbol.asyncDispose]()
  expect(await dropMonths(db, { now, shortestDays: 260 })).toMatchObject({
    dropped: names('2026_01', '2026_02'),
    busy: [],
  })
  expect(await monthTables(db, '2026_0[12]')).toEqual([])
})

const to = new Date()
const from = new Date(to.getTime() - 730 * DAY_MS)
const shares = { edits: 0.2, reactions: 0.2, attachments: 0.1, mentions: 0.2 }
const rules = rulesOf(365, { direct: { messageDays: 90, fileDays: null } })
const LONG = 120_000

const monthTables = async (db: Db, pattern: string) => {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relkind = 'r' and relname ~ ${`^(messages|message_edits|reactions|read_log)_${pattern}$`} order by 1`.execute(
    db,
  )
  return rows.map(({ name }) => name)
}

/** The month before the one in which what is kept begins. */
const lastOver = new Date(Date.UTC(to.getUTCFullYear() - 1, to.getUTCMonth() - 1))
  .toISOString()
  .slice(0, 7)
  .replace('-', '_')

async function loadAndLeaveToMonths(db: Db, url: string) {
  await loadHistory({ url, conversations: 12, messages: 3_000, users: 8, membersPerGroup: 4, from, to, shares })
  await expireAll(db, { rules, now: to, leaveDefaultToMonths: true })
  return readStored(db)
}

const isOld = ({ createdAt }: { createdAt: Date }) => createdAt.getTime() <= to.getTime() - 365 * DAY_MS

test(
  'months go with what is left to them, but for what is held, and what is kept anywhere keeps its month',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    const before = await loadAndLeaveToMonths(db, url)
    const held = before.messages.find(isOld)!.senderId
    await db.insertInto('holds').values({ id: newUser(), userId: held, conversationId: null }).execute()
    const { dropped, kept, busy } = await dropMonths(db, { now: to, shortestDays: 90 })
    expect(busy).toEqual([])
    expect(dropped.at(-1)).toBe(`messages_${lastOver}`)
    expect(kept).not.toEqual([])
    const after = await readStored(db)
    const isDropped = (id: string) => dropped.includes(`messages_${monthNameOf(id)}`)
    const remaining = before.messages.filter(({ id }) => !isDropped(id))
    expect(after.messages).toEqual(remaining)
    expect(after.edits).toEqual(before.edits.filter((id) => !isDropped(id)))
    expect(after.mentions).toEqual(before.mentions.filter((id) => !isDropped(id)))
    expect(after.reads).toEqual(before.reads.filter(({ id }) => !isDropped(id)))
    const gone = before.messages.filter(({ id }) => isDropped(id))
    expect(after.held).toEqual(
      gone
        .filter(({ senderId }) => senderId === held)
        .map(({ id }) => id)
        .toSorted(),
    )
    const contents = await db.selectFrom('heldMessages').selectAll().execute()
    const withEdits = contents.filter(({ content }) => content.edits.length > 0).map(({ id }) => id)
    expect(withEdits.toSorted()).toEqual(before.edits.filter((id) => after.held.includes(id)))
    const uploads = gone.filter(({ senderId }) => senderId !== held).flatMap(({ uploadIds }) => uploadIds)
    expect(goneUploads(await readTold(db))).toEqual(expect.arrayContaining(uploads))
    expect(goneUploads(await readTold(db))).not.toEqual(
      expect.arrayContaining(contents.flatMap(({ uploadIds }) => uploadIds)),
    )
  },
)

const monthNameOf = (id: string) =>
  new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString().slice(0, 7).replace('-', '_')

test(
  'one message that is kept keeps its month, until it has been told to have expired',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    const before = await loadAndLeaveToMonths(db, url)
    const { id, firstKeptSequence } = before.conversations.find((one) => one.kind === 'group')!
    const last = before.messages.findLast((one) => one.conversationId === id && one.sequence < firstKeptSequence)!
    const its = `messages_${monthNameOf(last.id)}`
    await db.updateTable('conversations').set({ firstKeptSequence: last.sequence }).where('id', '=', id).execute()
    expect((await dropMonths(db, { now: to, shortestDays: 90 })).kept).toContain(its)
    expect((await readStored(db)).messages.map((one) => one.id)).toContain(last.id)
    await db.updateTable('conversations').set({ firstKeptSequence }).where('id', '=', id).execute()
    const again = await dropMonths(db, { now: to, shortestDays: 90 })
    expect([...again.dropped, ...again.kept]).toContain(its)
  },
)

test(
  'a hold that begins when a month is already detached keeps all that it covers, whole',
  { timeout: LONG },
  async () => {
    await using database = await openDatabase()
    const { url, db } = database
    const before = await loadAndLeaveToMonths(db, url)
    // As an interrupted drop leaves it: the rest of the month is still attached.
    await sql`alter table messages detach partition ${sql.table(`messages_${lastOver}`)} concurrently`.execute(db)
    const unseen = before.messages.filter(({ id }) => monthNameOf(id) === lastOver)
    const { senderId } = unseen.find(({ id }) => before.edits.includes(id))!
    await db.insertInto('holds').values({ id: newUser(), userId: senderId, conversationId: null }).execute()
    const { dropped } = await dropMonths(db, { now: to, shortestDays: 90 })
    expect(dropped.length).toBeGreaterThan(5)
    const held = await db.selectFrom('heldMessages').selectAll().execute()
    const covered = unseen.filter((message) => message.senderId === senderId)
    expect(held.map(({ id }) => id)).toEqual(expect.arrayContaining(covered.map(({ id }) => id)))
    const edited = before.edits.filter((id) => covered.some((message) => message.id === id))
    expect(edited).not.toEqual([])
    expect(held.filter(({ id, content }) => edited.includes(id) && content.edits.length === 0)).toEqual([])
  },
)

test('cut off after any step, twice, months go all the same, and nothing that is kept', { timeout: LONG }, async () => {
  await using database = await openDatabase()
  const { url, db } = database
  const before = await loadAndLeaveToMonths(db, url)
  const held = before.messages.find(isOld)!.senderId
  await db.insertInto('holds').values({ id: newUser(), userId: held, conversationId: null }).execute()
  await using proxy = await cuttingProxy(url)
  const steps = [
    'pg_try_advisory_lock',
    'set_config',
    'with recursive walk',
    'insert into "held_messages"',
    'delete from "messages_',
    'insert into "outbox"',
    'commit',
    'alter table "messages" detach',
    'alter table "reactions" detach',
    'pg_advisory_xact_lock_shared',
    'drop table',
  ]
  let dropped: string[] = []
  for (const step of [...steps, ...steps]) {
    await using cutOff = openPostgres<Tables>({ url: proxy.url, service: 'messaging', log: silentLog })
    proxy.cutNextReplyTo(step)
    const done = await dropMonths(cutOff.db, { now: to, shortestDays: 90 }).catch(() => ({ dropped: [] }))
    dropped = [...dropped, ...done.dropped]
  }
  expect(proxy.cuts).toBeGreaterThanOrEqual(steps.length)
  await vi.waitFor(
    async () => {
      const { busy, kept } = await dropMonths(db, { now: to, shortestDays: 90 })
      expect({ busy, first: kept[0] }).toEqual({ busy: [], first: expect.any(String) })
    },
    { timeout: 20_000, interval: 200 },
  )
  const after = await readStored(db)
  const { rows } = await sql<{ first: string }>`
    select min(relname) as first from pg_class where relkind = 'r' and relname ~ '^messages_2'`.execute(db)
  const isDropped = (id: string) => `messages_${monthNameOf(id)}` < rows[0]!.first
  expect(after.messages).toEqual(before.messages.filter(({ id }) => !isDropped(id)))
  const gone = before.messages.filter(({ id }) => isDropped(id))
  expect(after.held).toEqual(
    gone
      .filter(({ senderId }) => senderId === held)
      .map(({ id }) => id)
      .toSorted(),
  )
  const uploads = gone.filter(({ senderId }) => senderId !== held).flatMap(({ uploadIds }) => uploadIds)
  expect(goneUploads(await readTold(db))).toEqual(expect.arrayContaining(uploads))
})

test('a starting instance makes the months it needs, and retention can ask for more and for less', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  expect(codeOf(await world.send(alice, conversationId))).toBe('sent')
  const { months } = must(await world.calls.createMonths({ ahead: 5 }))
  expect(months).toHaveLength(7)
  expect(must(await world.calls.dropMonths({}))).toMatchObject({ busy: [] })
  expect(must(await world.calls.getMessages({ actor: actorOf(alice), conversationId })).messages).toHaveLength(1)
})
