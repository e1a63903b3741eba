import { isUnavailable, openPostgres, violatedConstraint, type Database } from '@parley/postgres'
import { silentLog, testDatabase, testDatabaseOn, testPostgres } from '@parley/testing'
import { sql, type RawBuilder } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openNotebook, service, type Tables } from './notebook.ts'

const NO_FAILURE = 'did not fail'

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => NO_FAILURE,
    (error: unknown) => error,
  )

const run = (database: Database<Tables>, query: RawBuilder<unknown>) => failureOf(query.execute(database.db))

describe('unavailable is', () => {
  test('a server that does not listen', async () => {
    await using postgres = await testPostgres()
    await postgres.kill()
    await using database = openPostgres<Tables>({ url: postgres.url, service, log: silentLog })
    expect(isUnavailable(await run(database, sql`select 1`))).toBe(true)
    await expect(database.check()).rejects.toThrow()
  })

  test('a crash during a query, which does not end this process; later queries work again', async () => {
    await using postgres = await testPostgres()
    await using fresh = await testDatabaseOn(postgres.url, service)
    await using database = await openNotebook(fresh.url)
    const underWay = Promise.all([
      run(database, sql`select pg_sleep(4)`),
      failureOf(database.db.transaction().execute((transaction) => sql`select pg_sleep(4)`.execute(transaction))),
    ])
    await expect.poll(() => activity(database, 'select pg_sleep%')).toBe(2)
    await postgres.kill()
    expect((await underWay).map(isUnavailable)).toEqual([true, true])
    // An idle backend outlives the server for a moment.
    await expect.poll(async () => isUnavailable(await run(database, sql`select 1`))).toBe(true)
    await postgres.restart()
    await expect.poll(() => run(database, sql`select 1`)).toBe(NO_FAILURE)
  })

  test('a connection that an administrator ends', async () => {
    await using fresh = await testDatabase(service)
    await using database = await openNotebook(fresh.url)
    expect(isUnavailable(await run(database, sql`select pg_terminate_backend(pg_backend_pid())`))).toBe(true)
    await expect.poll(() => run(database, sql`select 1`)).toBe(NO_FAILURE)
  })

  test('a server that hangs without a word: nobody waits for ever', async () => {
    await using postgres = await testPostgres()
    await using fresh = await testDatabaseOn(postgres.url, service)
    await using database = await openNotebook(fresh.url, 500)
    const backend = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.db)
    const pids = [postgres.pid, backend.rows[0]!.pid]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    const failures = await Promise.all([run(database, sql`select 1`), run(database, sql`select 2`)])
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    expect(failures.map(isUnavailable)).toEqual([true, true])
    await expect.poll(() => run(database, sql`select 1`)).toBe(NO_FAILURE)
  })

  test('a statement or a lock that takes too long', async () => {
    await using fresh = await testDatabase(service)
    await using database = await openNotebook(fresh.url)
    await using hasty = openPostgres<Tables>({ url: fresh.url, service, log: silentLog, statementTimeoutMs: 100 })
    const late = await run(hasty, sql`select pg_sleep(2)`)
    expect(late).toMatchObject({ code: '57014' })
    expect(isUnavailable(late)).toBe(true)

    await database.db.transaction().execute(async (transaction) => {
      await sql`lock table notes`.execute(transaction)
      const locked = await run(database, sql`select from notes`)
      expect(locked).toMatchObject({ code: '55P03' })
      expect(isUnavailable(locked)).toBe(true)
    })
  })
})

describe('unavailable is not', () => {
  test('a mistake in a query, a constraint, or any other error', async () => {
    await using fresh = await testDatabase(service)
    await using database = await openNotebook(fresh.url)
    expect(isUnavailable(await run(database, sql`selekt 1`))).toBe(false)
    await sql`insert into notes overriding system value values (1, '')`.execute(database.db)
    const twice = await run(database, sql`insert into notes overriding system value values (1, '')`)
    expect(isUnavailable(twice)).toBe(false)
    expect(violatedConstraint(twice)).toBe('notes_pkey')
    expect(isUnavailable(new Error('no salt'))).toBe(false)
    expect(isUnavailable(undefined)).toBe(false)
    expect(violatedConstraint(new Error('notes_pkey'))).toBeUndefined()
  })

  test('a database, role or password that does not exist: no retry would help', async () => {
    await using fresh = await testDatabase(service)
    const { username, pathname } = new URL(fresh.url)
    for (const url of [fresh.url.replace(username, 'nobody'), fresh.url.replace(pathname, '/nowhere')]) {
      await using database = openPostgres<Tables>({ url, service, log: silentLog })
      expect(isUnavailable(await run(database, sql`select 1`))).toBe(false)
    }
  })
})

test('counters are numbers, names are camel case, and JSON keeps its own names', async () => {
  await using fresh = await testDatabase(service)
  await using database = await openNotebook(fresh.url)
  const { rows } = await sql`select 9007199254740991::bigint as last_sequence, '{"a_b":1}'::jsonb as some_json`.execute(
    database.db,
  )
  expect(rows).toEqual([{ lastSequence: 9007199254740991, someJson: { a_b: 1 } }])
})

async function activity(database: Database<Tables>, query: string): Promise<number> {
  const { rows } = await sql`select from pg_stat_activity where state = 'active' and query like ${query}`.execute(
    database.db,
  )
  return rows.length
}
