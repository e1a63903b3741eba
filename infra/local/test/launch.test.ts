import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, startPostgres, startS3 } from '@parley/local'
import { isRunning, startLauncher, untilLaunched } from './launched.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const SLOW_MS = 120_000
const PATIENT = { timeout: 30_000 }

/** Most tests need no Postgres and no S3 of their own: they are given these. */
const shared = new AsyncDisposableStack()
let given: Record<string, string> = {}

beforeAll(async () => {
  const directory = shared.use(await temporaryDirectory())
  const postgres = shared.use(await startPostgres({ directory: join(directory.path, 'postgres'), durable: false }))
  const s3 = shared.use(await startS3({ directory: join(directory.path, 's3'), durable: false }))
  given = {
    POSTGRES_URL: postgres.url,
    S3_ENDPOINT: s3.url,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
})

afterAll(() => shared.disposeAsync())

test(
  'services and servers run, the state is true over kills, and SIGINT stops them in order',
  { timeout: SLOW_MS },
  async () => {
    await using clone = await temporaryDirectory()
    const port = await freePort()
    await using launched = startLauncher(clone.path, { PARLEY_PORT: String(port) })
    await untilLaunched(launched)

    const before = await launched.state()
    expect(before.services.map(({ name }) => name)).toEqual(['notes', 'door'])
    expect(before.servers.map(({ name }) => name).toSorted()).toEqual(['nats', 'postgres', 'redis', 's3'])
    const pids = [...before.services, ...before.servers].map(({ pid }) => pid)
    expect(pids.every(isRunning)).toBe(true)
    const door = await launched.service('door')
    expect(door).toMatchObject({ port, healthUrl: `http://127.0.0.1:${port}/health/ready` })
    expect((await fetch(door.healthUrl)).status).toBe(200)

    // A service that is killed comes back, on its port.
    process.kill(door.pid!, 'SIGKILL')
    await expect.poll(async () => isRunning((await launched.service('door')).pid), PATIENT).toBe(true)
    await expect
      .poll(
        () =>
          fetch(door.healthUrl).then(
            (response) => response.status,
            () => 0,
          ),
        PATIENT,
      )
      .toBe(200)
    expect((await launched.service('door')).port).toBe(port)
    expect(launched.output()).toContain('door ended (SIGKILL); it is started again in 0.2 s\n')

    // So does a server, with its data.
    const postgres = await launched.server('postgres')
    process.kill(postgres.pid!, 'SIGKILL')
    const countTables = async () => {
      const client = new pg.Client({ connectionString: postgres.url })
      await client.connect()
      try {
        return (await client.query('select from notes.notes')).rowCount
      } finally {
        await client.end()
      }
    }
    await expect.poll(() => countTables().catch(() => 'away'), PATIENT).toBe(0)
    await expect.poll(async () => isRunning((await launched.server('postgres')).pid), PATIENT).toBe(true)

    const all = await launched.state()
    launched.process.kill('SIGINT')
    launched.process.kill('SIGINT')
    expect(await launched.exitCode).toBe(0)
    expect(launched.output()).toMatch(/\nStopping \(SIGINT\)\nStopped\.\n$/)
    expect([...all.services, ...all.servers].filter(({ pid }) => isRunning(pid))).toEqual([])
    expect(existsSync(join(clone.path, '.parley/state.json'))).toBe(false)
    expect(await readFile(join(clone.path, '.parley/logs/notes.log'), 'utf8')).toBe('got SIGTERM\n')
  },
)

test(
  'a second start here is refused; one that was killed leaves no trace in the next, which finds its data and secrets',
  { timeout: SLOW_MS },
  async () => {
    await using clone = await temporaryDirectory()
    const environment = { ...given, PARLEY_PORT: String(await freePort()) }
    await using first = startLauncher(clone.path, environment)
    await untilLaunched(first)

    const second = startLauncher(clone.path, { PARLEY_PORT: String(await freePort()) })
    expect(await second.exitCode).toBe(1)
    expect(second.output()).toBe(
      `\nParley did not start.\nParley is already running here (pid ${first.process.pid}).\n`,
    )
    expect((await stat(join(clone.path, '.parley/secrets.json'))).mode & 0o777).toBe(0o600)
    const tell = async () => {
      const { port } = await first.service('notes')
      return (await fetch(`http://127.0.0.1:${port}/environment`)).json() as Promise<Record<string, string>>
    }
    const told = await tell()
    expect(told).toMatchObject({ PARLEY_ENV: 'development', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'info' })

    const left = await first.state()
    first.process.kill('SIGKILL')
    await first.exitCode
    const own = [...left.services, ...left.servers].filter(({ pid }) => pid !== null)
    expect(own.map(({ name }) => name).toSorted()).toEqual(['door', 'nats', 'notes', 'redis'])
    expect(own.every(({ pid }) => isRunning(pid))).toBe(true)

    await using third = startLauncher(clone.path, environment)
    await untilLaunched(third)
    expect(third.output()).toContain('stopped what an earlier start had left: ')
    expect(own.filter(({ pid }) => isRunning(pid))).toEqual([])
    expect((await tell())['NOTES_SECRET']).toBe(told['NOTES_SECRET'])
    third.process.kill('SIGHUP')
    expect(await third.exitCode).toBe(0)
  },
)

test(
  'a port in use, and wrong variables, are told in a sentence each before anything is started',
  { timeout: SLOW_MS },
  async () => {
    await using clone = await temporaryDirectory()
    const port = await freePort()
    const busy = createServer().listen(port, '127.0.0.1')
    await once(busy, 'listening')
    try {
      const refused = startLauncher(clone.path, { PARLEY_PORT: String(port) })
      expect(await refused.exitCode).toBe(1)
      expect(refused.output()).toMatch(
        new RegExp(`\\nPort ${port} is in use.*: stop what uses it, or choose another port with PARLEY_PORT\\.\\n$`),
      )
      if (process.platform === 'linux') expect(refused.output()).toContain(`(pid ${process.pid})`)
    } finally {
      busy.close()
    }
    const refused = startLauncher(clone.path, { PARLEY_PROT: '8080', REDIS_URL: 'localhost' })
    expect(await refused.exitCode).toBe(1)
    expect(refused.output()).toBe(
      '\nParley did not start.\n' +
        'PARLEY_PROT is not a variable of npm start.\n' +
        'REDIS_URL must be a URL that begins with redis://.\n',
    )
  },
)

test(
  'a service that ends before it is ready ends the start, with its last lines, and what was started stops',
  { timeout: SLOW_MS },
  async () => {
    await using clone = await temporaryDirectory()
    const environment = { ...given, PARLEY_PORT: String(await freePort()), THROWAWAY_FAULT: 'exits' }
    const launched = startLauncher(clone.path, environment)
    expect(await launched.exitCode).toBe(1)
    expect(launched.output()).toContain(
      '\nParley did not start.\ndoor ended with code 3 before it was ready.\nno such table: users\n',
    )
    expect(existsSync(join(clone.path, '.parley/state.json'))).toBe(false)
    expect(await readFile(join(clone.path, '.parley/logs/notes.log'), 'utf8')).toBe('got SIGTERM\n')
  },
)

test('being stopped during the start is no failure, and nothing is left', { timeout: SLOW_MS }, async () => {
  await using clone = await temporaryDirectory()
  const launched = startLauncher(clone.path, { ...given, PARLEY_PORT: String(await freePort()) })
  await expect.poll(() => launched.output(), PATIENT).toContain('✓ NATS')
  const { pid } = await launched.server('nats')
  launched.process.kill('SIGTERM')
  expect(await launched.exitCode).toBe(0)
  expect(launched.output()).toMatch(/\nStopped\.\n$/)
  expect(isRunning(pid)).toBe(false)
})

test.runIf(process.platform === 'linux')(
  'the end of the npm that started it stops everything, although the shell in between lives on',
  { timeout: SLOW_MS },
  async () => {
    await using clone = await temporaryDirectory()
    // What npm is: a process that runs a shell, with a variable that only its descendants have.
    const npm = ['/bin/sh', '-c', 'npm_lifecycle_event=start /bin/sh -c \'"$0" "$@"; true\' "$0" "$@"; true']
    await using launched = startLauncher(clone.path, { ...given, PARLEY_PORT: String(await freePort()) }, npm)
    await untilLaunched(launched)
    const { services, servers } = await launched.state()
    launched.process.kill('SIGKILL')
    await launched.exitCode // Of all that write to its output.
    expect(launched.output()).toMatch(/\nStopping \(npm has ended\)\nStopped\.\n$/)
    expect([...services, ...servers].filter(({ pid }) => isRunning(pid))).toEqual([])
  },
)
