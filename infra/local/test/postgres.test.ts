import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { startPostgres as start, type Server } from '@parley/local'
import { postgresDirectory, type PostgresOptions } from '../src/servers/postgres.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const programs = await temporaryDirectory()
afterAll(() => programs[Symbol.asyncDispose]())

/** With one copy of the programs for all tests. */
const startPostgres = (options: PostgresOptions): Promise<Server> =>
  start({ programsDirectory: programs.path, ...options })

const SLOW_MS = 120_000
const isRoot = process.getuid?.() === 0

async function query(server: Server, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    return (await client.query(sql)).rows as unknown[]
  } finally {
    await client.end()
  }
}

describe('Postgres', { timeout: SLOW_MS }, () => {
  test('keeps its data over a stop', async () => {
    await using directory = await temporaryDirectory()
    const first = await startPostgres({ directory: directory.path, durable: true })
    await query(first, 'create table kept as select 1 as one')
    await first[Symbol.asyncDispose]()
    await expect(query(first, 'select 1')).rejects.toThrow('ECONNREFUSED')

    await using second = await startPostgres({ directory: directory.path, durable: true })
    expect(await query(second, 'select * from kept')).toEqual([{ one: 1 }])
  })

  test('keeps what was committed when it is killed while connections work, and starts again on the same port', async () => {
    await using directory = await temporaryDirectory()
    await using first = await startPostgres({ directory: directory.path, durable: false })
    await query(first, 'create table kept as select 1 as one')
    const working = query(first, 'select pg_sleep(2)').catch(() => 'lost')
    process.kill(first.pid!, 'SIGKILL')
    expect(await first.ended).toBe('SIGKILL')
    const port = Number(new URL(first.url).port)

    await using second = await startPostgres({ directory: directory.path, durable: false, port })
    expect(second.url).toBe(first.url)
    expect(await query(second, 'select * from kept')).toEqual([{ one: 1 }])
    expect(await working).toBe('lost')
  })

  test('lets nobody in without the password, and listens on the loopback interface only', async () => {
    await using directory = await temporaryDirectory()
    await using server = await startPostgres({ directory: directory.path, durable: false })
    const url = Object.assign(new URL(server.url), { password: 'guessed' }).href
    await expect(query({ ...server, url }, 'select 1')).rejects.toThrow('password authentication failed')
    const [setting] = await query(server, 'show listen_addresses')
    expect(setting).toEqual({ listen_addresses: '127.0.0.1' })
  })

  test('is made anew when a start was killed while it was being made', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(join(directory.path, 'data.unfinished'))
    writeFileSync(join(directory.path, 'data.unfinished/PG_VERSION'), '18')
    await using server = await startPostgres({ directory: directory.path, durable: false })
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('starts although its pid file, left by a crash, names a process that is another one by now', async () => {
    await using directory = await temporaryDirectory()
    await using first = await startPostgres({ directory: directory.path, durable: false })
    process.kill(first.pid!, 'SIGKILL')
    await first.ended
    const pidFile = join(directory.path, 'data/postmaster.pid')
    const left = await readFile(pidFile, 'utf8')
    writeFileSync(pidFile, left.replace(/^\d+/, String(process.ppid)))
    await using second = await startPostgres({ directory: directory.path, durable: false })
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('ends the server that a killed start has left on the same data', async () => {
    await using directory = await temporaryDirectory()
    const script = `
      const { startPostgres } = await import('@parley/local')
      await startPostgres(${JSON.stringify({ directory: directory.path, programsDirectory: programs.path, durable: false })})
      process.kill(process.pid, 'SIGKILL')`
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname }),
    ).toThrow('Command failed')
    expect(readdirSync(directory.path)).toContain('postgres.process.json')
    await using server = await startPostgres({ directory: directory.path, durable: false })
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('uses the server of a URL and leaves it running', async () => {
    await using directory = await temporaryDirectory()
    await using own = await startPostgres({ directory: directory.path, durable: false })
    const given = await startPostgres({ directory: '/nowhere', durable: true, url: own.url })
    expect(given).toMatchObject({ pid: null, url: own.url, product: own.product })
    await given[Symbol.asyncDispose]()
    expect(await query(own, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('says in a sentence that the server of a URL does not answer', async () => {
    const start = startPostgres({ directory: '/nowhere', durable: true, url: 'postgres://nobody@127.0.0.1:1/postgres' })
    await expect(start).rejects.toThrow(/^The server of POSTGRES_URL does not answer as it should: .*ECONNREFUSED/)
  })

  describe.runIf(isRoot)('as root', () => {
    test('runs as another user', async () => {
      await using directory = await temporaryDirectory()
      await using server = await startPostgres({ directory: directory.path, durable: false })
      const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
      expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0')
    })

    test('keeps its data elsewhere, in the same place until the clone is deleted, when the clone is below a folder only root may enter', async () => {
      await using home = await temporaryDirectory()
      await chmod(home.path, 0o700)
      const directory = join(home.path, 'clone/.parley/postgres')
      const first = await start({ directory, durable: false })
      const elsewhere = await postgresDirectory(directory)
      try {
        expect(elsewhere).toMatch(/^\/var\/lib\/parley\/[0-9a-f]{16}$/)
        await query(first, 'create table kept as select 1 as one')
        await first[Symbol.asyncDispose]()
        await using second = await startPostgres({ directory, durable: false })
        expect(await query(second, 'select * from kept')).toEqual([{ one: 1 }])
        await second[Symbol.asyncDispose]()

        rmSync(directory, { recursive: true })
        expect(await postgresDirectory(directory)).not.toBe(elsewhere)
      } finally {
        rmSync(await postgresDirectory(directory), { recursive: true })
        rmSync(elsewhere, { recursive: true, force: true })
      }
    })
  })
})
