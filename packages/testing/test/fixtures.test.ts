import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startNats } from '@parley/local'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { ServersOfRun } from '../src/servers-of-run.ts'
import { testDatabase, testDatabaseOn, testNats, testPostgres, testRedis, testS3 } from '@parley/testing'

test('each service gets a role and a schema of its own in a fresh database', async () => {
  await using database = await testDatabase('messaging', 'auth')
  const client = new pg.Client({ connectionString: database.urls.auth })
  await client.connect()
  const { rows } = await client.query('select current_user, current_schema()')
  expect(rows).toEqual([{ current_user: 'auth', current_schema: 'auth' }])
  await expect(client.query('create table messaging.stolen (id int)')).rejects.toThrow('permission denied')
  await client.query('create table own (id int)')
  await client.end()
})

test.each([
  ['nats', testNats],
  ['redis', testRedis],
  ['postgres', testPostgres],
])('%s can be killed and restarted on the same port', async (_, start) => {
  await using server = await start()
  const before = server.pid
  expect(await isOpen(server.url)).toBe(true)
  await server.kill()
  expect(await isOpen(server.url)).toBe(false)
  await server.restart()
  expect(server.pid).not.toBe(before)
  expect(await isOpen(server.url)).toBe(true)
})

test('databases on a server of ones own outlive its crash', async () => {
  await using server = await testPostgres()
  await using database = await testDatabaseOn(server.url, 'auth')
  await server.restart()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.end()
})

test('what runs in the folder of a run ends with it, even if the run is killed', async () => {
  const keeper = fileURLToPath(new URL('../src/keep-servers.ts', import.meta.url))
  const child = spawn(process.execPath, [keeper], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { directory, postgresUrl } = JSON.parse(line) as ServersOfRun
  const nats = await startNats({ directory: join(directory, 'nats-of-a-test') })
  expect([await isOpen(nats.url), await isOpen(postgresUrl)]).toEqual([true, true])
  child.stdin.destroy()
  expect(await once(child, 'exit')).toEqual([0, null])
  expect([await isOpen(nats.url), await isOpen(postgresUrl), existsSync(directory)]).toEqual([false, false, false])
})

async function isOpen(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const open = await promise
  socket.destroy()
  return open
}

test('a file that was put into a bucket comes back, and each bucket is another', async () => {
  const [first, second] = await Promise.all([testS3(), testS3()])
  expect(first.bucket).not.toBe(second.bucket)
  expect(first.endpoint).toBe(second.endpoint)
  expect((await fetch(`${first.endpoint}/${first.bucket}`)).status).toBe(403)
}, 60_000)
