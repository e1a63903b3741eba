import { openOutbox, writeOutbox, type Database, type OutboxRow } from '@parley/postgres'
import { silentLog, testDatabase, testDatabaseOn, testPostgres } from '@parley/testing'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openNotebook, service, type Tables } from './notebook.ts'

type Row = OutboxRow<string>

const write = (database: Database<Tables>, ...events: string[]): Promise<Row> =>
  database.db.transaction().execute(async (transaction) => {
    await transaction.insertInto('notes').values({ text: 'noted' }).execute()
    return writeOutbox<string, Tables>(transaction, events)
  })

const left = (database: Database<Tables>) => database.db.selectFrom('outbox').select('id').execute()

/** Lets the time pass after which a row is no longer in the hands of who wrote or claimed it. */
const letTimePass = ({ db }: Database<Tables>) =>
  sql`update outbox set created_at = created_at - interval '1 hour', claimed_until = claimed_until - interval '1 hour'`.execute(
    db,
  )

const open = (database: Database<Tables>, deliver: (row: Row) => Promise<void>) =>
  openOutbox<string, Tables>({
    db: database.db,
    log: silentLog,
    deliver: async (rows) => void (await Promise.all(rows.map(deliver))),
  })

test('what is sent after its commit is delivered once, in order, and removed', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  const delivered: unknown[] = []
  await using outbox = open(database, async (row) => void delivered.push(row.events))
  await outbox.send([await write(database, 'a', 'b'), await write(database, 'c')])
  expect(delivered).toEqual([['a', 'b'], ['c']])
  expect(await left(database)).toEqual([])
})

test('a transaction that is rolled back says nothing', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  const failed = database.db.transaction().execute(async (transaction) => {
    await writeOutbox<string, Tables>(transaction, ['a'])
    throw new Error('changed my mind')
  })
  await expect(failed).rejects.toThrow('changed my mind')
  expect(await left(database)).toEqual([])
})

test('what was committed by a process that died before sending is re-driven by another', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  await write(database, 'a', 'b')
  const delivered: unknown[] = []
  await using _outbox = open(database, async (row) => void delivered.push(row.events))
  await letTimePass(database)
  await expect.poll(() => delivered, { timeout: 5_000 }).toEqual([['a', 'b']])
  await expect.poll(() => left(database)).toEqual([])
})

test('a row that is young is left to who wrote it', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  await write(database, 'young')
  await database.db.transaction().execute(async (transaction) => {
    const old = await writeOutbox<string, Tables>(transaction, ['old'])
    await sql`update outbox set created_at = created_at - interval '1 hour' where id = ${old.id}`.execute(transaction)
  })
  const delivered: unknown[] = []
  await using _outbox = open(database, async (row) => void delivered.push(...row.events))
  await expect.poll(() => delivered).toEqual(['old'])
})

test.each([
  ['rejects', () => Promise.reject(new Error('nats is away'))],
  [
    'throws',
    () => {
      throw new Error('nats is away')
    },
  ],
])(
  'sending never throws when delivery %s: the rows stay, and are re-driven one by one until each has gone',
  async (_, fail) => {
    await using fresh = await testDatabase(service)
    await using database = await openNotebook(fresh.url)
    const delivered: unknown[] = []
    let failures = 0
    await using outbox = open(database, (row) => {
      if (row.events[0] === 'hard' && failures < 3) {
        failures += 1
        return fail()
      }
      delivered.push(row.events[0])
      return Promise.resolve()
    })
    const hard = await write(database, 'hard')
    const easy = await write(database, 'easy')
    await outbox.send([hard, easy])
    expect(await left(database)).toEqual([{ id: hard.id }, { id: easy.id }])
    await expect
      .poll(() => letTimePass(database).then(() => delivered.at(-1)), { timeout: 15_000, interval: 100 })
      .toBe('hard')
    expect(delivered[0]).toBe('easy')
    await expect.poll(() => left(database)).toEqual([])
    expect(failures).toBe(3)
  },
)

test('two relays share what is to be re-driven: no row is delivered by both', async () => {
  await using fresh = await testDatabase(service)
  await using first = await openNotebook(fresh.url)
  await using second = await openNotebook(fresh.url)
  const rows = await first.db.transaction().execute(async (transaction) => {
    const written: Row[] = []
    while (written.length < 250) written.push(await writeOutbox<string, Tables>(transaction, ['a']))
    return written
  })
  await letTimePass(first)
  const by: Record<'first' | 'second', number[]> = { first: [], second: [] }
  const bothHaveSome = Promise.withResolvers<void>()
  const deliverBy = (name: keyof typeof by) => async (row: Row) => {
    by[name].push(row.id)
    if (by.first.length > 0 && by.second.length > 0) bothHaveSome.resolve()
    await bothHaveSome.promise
  }
  await using _first = open(first, deliverBy('first'))
  await using _second = open(second, deliverBy('second'))
  await expect.poll(() => left(first), { timeout: 10_000 }).toEqual([])
  const delivered = [...by.first, ...by.second].toSorted((a, b) => a - b)
  expect(delivered).toEqual(rows.map(({ id }) => id).toSorted((a, b) => a - b))
})

test('a row that was claimed by a process that died is claimed again when the claim is over', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  await write(database, 'a')
  await letTimePass(database)
  const claimed = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  const dying = open(database, async () => {
    claimed.resolve()
    await never.promise
  })
  await claimed.promise
  const delivered: unknown[] = []
  await using _outbox = open(database, async (row) => void delivered.push(...row.events))
  await letTimePass(database)
  await expect.poll(() => delivered, { timeout: 5_000 }).toEqual(['a'])
  never.resolve()
  await dying[Symbol.asyncDispose]()
})

test('after a crash of Postgres what was committed is still delivered, by connections that healed', async () => {
  await using postgres = await testPostgres()
  await using fresh = await testDatabaseOn(postgres.url, service)
  await using database = await openNotebook(fresh.url)
  const row = await write(database, 'a')
  const delivered: unknown[] = []
  await using outbox = open(database, async ({ events }) => void delivered.push(...events))
  await postgres.kill()
  // An idle backend outlives the server for a moment.
  await expect.poll(() => database.check().then(String, () => 'away')).toBe('away')
  await outbox.send([row])
  expect(delivered).toEqual(['a'])
  await postgres.restart()
  await expect
    .poll(() => letTimePass(database).then(() => left(database), String), { timeout: 15_000, interval: 100 })
    .toEqual([])
  expect(delivered).toEqual(['a', 'a'])
})
