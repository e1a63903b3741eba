import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareDatabase, startPostgres, type Server } from '@parley/local'
import { temporaryDirectory } from './temporary-directory.ts'

const shared = new AsyncDisposableStack()
let server: Server

beforeAll(async () => {
  const directory = shared.use(await temporaryDirectory())
  server = shared.use(await startPostgres({ directory: directory.path, durable: false }))
})

afterAll(() => shared.disposeAsync())

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows as unknown[]
  } finally {
    await client.end()
  }
}

test('each service owns a schema, which is its search path, and reaches no other', async () => {
  const services = ['auth', 'messaging'] as const
  const passwords = { auth: "o'ne", messaging: 'tw@o' }
  const urls = await prepareDatabase(server.url, { database: 'separate', services, passwords })
  await query(urls.auth, 'create table users (id int)')
  expect(await query(urls.auth, 'select current_user, current_schema(), count(*)::int from users')).toEqual([
    { current_user: 'auth', current_schema: 'auth', count: 0 },
  ])
  await expect(query(urls.messaging, 'select from auth.users')).rejects.toThrow('permission denied for schema auth')
  await expect(query(urls.messaging, 'create table auth.mine ()')).rejects.toThrow('permission denied for schema auth')
  await expect(query(urls.messaging, 'create table public.mine ()')).rejects.toThrow('permission denied')
  await expect(query(urls.messaging, 'create schema mine')).rejects.toThrow('permission denied')
})

test('a role does not get into a database that was not made for it', async () => {
  const passwords = { auth: 'one', media: 'two' }
  const { auth } = await prepareDatabase(server.url, { database: 'first', services: ['auth'], passwords })
  await prepareDatabase(server.url, { database: 'second', services: ['media'], passwords })
  const url = Object.assign(new URL(auth), { pathname: '/second' }).href
  await expect(query(url, 'select 1')).rejects.toThrow('permission denied for database')
})

test('again, it keeps what is there and sets the password; at the same time, it waits its turn', async () => {
  const services = ['retention'] as const
  const first = await prepareDatabase(server.url, { database: 'again', services, passwords: { retention: 'old' } })
  await query(first.retention, 'create table runs as select 1 as one')
  const [second] = await Promise.all(
    [1, 2, 3].map(() => prepareDatabase(server.url, { database: 'again', services, passwords: { retention: 'new' } })),
  )
  expect(await query(second!.retention, 'select * from runs')).toEqual([{ one: 1 }])
  await expect(query(first.retention, 'select 1')).rejects.toThrow('password authentication failed')
})
