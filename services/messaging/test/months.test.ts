import { must } from '@parley/bus'
import { migrate, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { createMonths, dropMonths } from '../src/store/months.ts'
import type { Db, Tables } from '../src/store/tables.ts'
import { actorOf, codeOf, migrations, newUser, openWorld } from './world.ts'

const service = 'messaging'
const log = silentLog
const now = new Date('2026-11-30T23:59:59.999Z')

async function openDatabase() {
  const database = await testDatabase(service)
  await migrate({ url: database.url, service, folder: migrations, log })
  const postgres = openPostgres<Tables>({ url: database.url, service, log })
  return {
    url: database.url,
    db: postgres.db,
    async [Symbol.asyncDispose]() {
      await postgres[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
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

test('months that ended before a time are dropped, and none that may still fill', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  const ended = { now, endedBefore: new Date('2026-04-01T00:00:00.000Z') }
  expect(await dropMonths(db, ended)).toEqual({
    dropped: ['messages_2026_01', 'messages_2026_02', 'messages_2026_03'],
    busy: [],
  })
  expect(await dropMonths(db, ended)).toEqual({ dropped: [], busy: [] })
  expect((await tablesOf(db))[0]).toBe('messages_2026_04')
  await dropMonths(db, { now, endedBefore: new Date('2030-01-01T00:00:00.000Z') })
  expect(await tablesOf(db)).toEqual(['messages_2026_11', 'messages_2026_12'])
})

test('a month that is being read is busy, keeps nobody waiting, and goes the next time', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  const ended = { now, endedBefore: new Date('2026-03-01T00:00:00.000Z') }
  const reader = await readLong(db)
  const dropping = dropMonths(db, ended)
  for (let index = 0; index < 20; index++) await insertMessage(db, new Date('2026-11-30T00:00:00.000Z'))
  expect(await dropping).toEqual({ dropped: [], busy: ['messages_2026_01', 'messages_2026_02'] })
  // Making months ahead does not wait for that either.
  expect((await createMonths(db, { now, ahead: 2 })).created).toEqual(['messages_2027_01'])
  await reader[Symbol.asyncDispose]()
  expect(await dropMonths(db, ended)).toEqual({ dropped: ['messages_2026_01', 'messages_2026_02'], busy: [] })
})

test('what an interrupted drop has left, detached or half detached, is dropped the next time', async () => {
  await using database = await openDatabase()
  const { db } = database
  await createMonths(db, { now: new Date('2026-02-15T00:00:00.000Z'), ahead: 10 })
  const ended = { now, endedBefore: new Date('2026-03-01T00:00:00.000Z') }
  await sql`alter table messages detach partition messages_2026_02`.execute(db)
  const reader = await readLong(db)
  const detaching = sql`alter table messages detach partition messages_2026_01 concurrently`.execute(db)
  await expect(detaching).rejects.toThrow('lock timeout')
  await reader[Symbol.asyncDispose]()
  expect(await dropMonths(db, ended)).toEqual({ dropped: ['messages_2026_01', 'messages_2026_02'], busy: [] })
})

test('a starting instance makes the months it needs, and retention can ask for more and for less', async () => {
  await using world = await openWorld()
  const alice = newUser()
  const { id: conversationId } = await world.createGroup(alice)
  expect(codeOf(await world.send(alice, conversationId))).toBe('sent')
  const { months } = must(await world.calls.createMonths({ ahead: 5 }))
  expect(months).toHaveLength(7)
  const endedBefore = new Date().toISOString()
  expect(must(await world.calls.dropMonths({ endedBefore }))).toMatchObject({ busy: [] })
  expect(must(await world.calls.getMessages({ actor: actorOf(alice), conversationId })).messages).toHaveLength(1)
})
