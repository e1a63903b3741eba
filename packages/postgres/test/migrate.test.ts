import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { describeSchema, migrate, openPostgres } from '@parley/postgres'
import { silentLog, testDatabase } from '@parley/testing'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrateNotebook, service } from './notebook.ts'

const steps = ['0001-create-notes', '0002-create-outbox']

test('a schema is brought up to date, and a second time nothing is left to do', async () => {
  await using database = await testDatabase(service)
  expect(await migrateNotebook(database.url)).toEqual(steps)
  expect(await migrateNotebook(database.url)).toEqual([])
})

test('of several that migrate at the same time one works and the others wait', async () => {
  await using database = await testDatabase(service)
  const done = await Promise.all(Array.from({ length: 5 }, () => migrateNotebook(database.url)))
  expect(done.flat()).toEqual(steps)
})

test('a migration that fails leaves the schema as it was and says which', async () => {
  await using database = await testDatabase(service)
  const folder = new URL('failing-migrations/', import.meta.url)
  const failure = migrate({ url: database.url, service, folder, log: silentLog })
  await expect(failure).rejects.toThrow('the notebook schema could not be migrated')
  await expect(failure).rejects.toMatchObject({ cause: { message: 'relation "notes" already exists' } })
  await using postgres = openPostgres({ url: database.url, service, log: silentLog })
  const { rows } = await sql`select from pg_tables where tablename = 'notes'`.execute(postgres.db)
  expect(rows).toHaveLength(0)
})

test('a schema is described as text: columns, constraints, indexes and functions, without the bookkeeping of migrations', async () => {
  await using database = await testDatabase(service)
  await migrateNotebook(database.url)
  await using postgres = openPostgres<unknown>({ url: database.url, service, log: silentLog })
  await sql`
    create table days (day date not null, twice int generated always as (1 + 1) stored) partition by range (day)`.execute(
    postgres.db,
  )
  await sql`create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01')`.execute(
    postgres.db,
  )
  await sql`create function one() returns int language sql as 'select 1'`.execute(postgres.db)
  expect(await describeSchema(postgres.db, service)).toMatchInlineSnapshot(`
    "create table notebook.days (
      day date not null,
      twice integer generated always as ((1 + 1)) stored
    ) partition by RANGE (day);

    create table notebook.notes (
      id bigint generated always as identity not null,
      text text not null default ''::text,
      constraint notes_pkey PRIMARY KEY (id)
    );
    CREATE INDEX notes_by_text ON notebook.notes USING btree (text);

    create table notebook.outbox (
      id bigint generated always as identity not null,
      created_at timestamp with time zone not null default clock_timestamp(),
      claimed_until timestamp with time zone,
      events jsonb not null,
      constraint outbox_pkey PRIMARY KEY (id)
    );

    CREATE OR REPLACE FUNCTION notebook.one()
     RETURNS integer
     LANGUAGE sql
    AS $function$select 1$function$;
    "
  `)
})

/** Runs a service's `migrate.ts` as a process, with this environment alone. */
async function runMigrate(environment: Record<string, string>) {
  const script = `
    import { runMigrations } from '@parley/postgres'
    await runMigrations('notebook', new URL('migrations/', ${JSON.stringify(import.meta.url)}), process.env)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: { PATH: '/bin', ...environment },
  })
  const ended = Promise.withResolvers<number | null>()
  child.once('close', ended.resolve)
  const [code, output, errors] = await Promise.all([ended.promise, text(child.stdout), text(child.stderr)])
  const lines = output.split('\n').filter((line) => line !== '')
  return { code, errors, lines: lines.map((line) => JSON.parse(line) as { msg: string; problems?: string[] }) }
}

test('migrate.ts is a process that migrates and leaves with 0', async () => {
  await using database = await testDatabase(service)
  const { code, errors, lines } = await runMigrate({ POSTGRES_URL: database.url, NOTEBOOK_PAGES: '7' })
  expect({ code, errors, lines }).toEqual({
    code: 0,
    errors: '',
    lines: steps.map(() => expect.objectContaining({ msg: 'migrated' })),
  })
  expect(await migrateNotebook(database.url)).toEqual([])
})

test('migrate.ts that can not says why in one line and leaves with 1', async () => {
  expect(await runMigrate({})).toEqual({
    code: 1,
    errors: '',
    lines: [expect.objectContaining({ msg: 'wrong configuration', problems: ['POSTGRES_URL is missing.'] })],
  })
  expect(await runMigrate({ POSTGRES_URL: 'postgres://a:b@127.0.0.1:1/x' })).toEqual({
    code: 1,
    errors: '',
    lines: [expect.objectContaining({ msg: 'could not migrate' })],
  })
})
