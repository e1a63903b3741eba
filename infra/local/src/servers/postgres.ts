import { randomBytes } from 'node:crypto'
import { access, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../processes/free-port.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { commandOf } from '../processes/process-identity.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { runProgram } from '../processes/run-program.ts'
import { untilReady } from '../processes/until-ready.ts'
import { writeWhole } from '../processes/write-whole.ts'
import { findPostgres, type PostgresPrograms } from './postgres-programs.ts'
import { directoryWithinReach, postgresUser, type RunUser } from './run-user.ts'
import { givenServer, serverOf, type Server, type ServerOptions } from './server.ts'

const READY_TIMEOUT_MS = 60_000
const INITDB_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 5_000
const SUPERUSER = 'postgres'

/** After the server was killed, its backends end a moment later; until then Postgres does not start on their data. */
const ORPHANS = /pre-existing shared memory block/
const ORPHANS_TIMEOUT_MS = 15_000
const ORPHANS_POLL_MS = 100

export interface PostgresOptions extends ServerOptions {
  /** Commits outlive a loss of power. Otherwise nothing is flushed to disk, which is several times faster. */
  readonly durable: boolean
  /** Where the package's programs are copied to, for servers that share one copy; the directory unless given. */
  readonly programsDirectory?: string
}

/**
 * A Postgres on the loopback interface; its URL is the superuser's. As root, when the user that Postgres then runs as cannot
 * enter the directory, the data is in a directory elsewhere: see `postgresDirectory`.
 */
export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const { url: given, durable } = options
  if (given !== undefined) {
    return givenServer({ name: 'postgres', url: given, variable: 'POSTGRES_URL' }, () => productOf(given))
  }
  const user = await postgresUser()
  const directory = await directoryWithinReach(options.directory, user)
  await stopLeftovers(directory)
  const programs = await findPostgres(options.programsDirectory ?? directory)
  const data = join(directory, 'data')
  const password = await readOrMakePassword(directory)
  if (!(await exists(data))) await initialize(programs, { data, password, user })
  await removeStalePid(data)
  const port = options.port ?? (await freePort())
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`
  const deadline = performance.now() + ORPHANS_TIMEOUT_MS
  for (;;) {
    await using stack = new AsyncDisposableStack()
    const process = stack.use(await runPostgres(programs, { directory, data, port, durable, user }))
    try {
      const product = await untilReady(process, () => productOf(url), READY_TIMEOUT_MS, options.signal)
      stack.move()
      return serverOf(process, { name: 'postgres', url, product })
    } catch (error) {
      if (!ORPHANS.test(process.lastLines()) || performance.now() > deadline) throw error
    }
    await delay(ORPHANS_POLL_MS)
  }
}

/**
 * Postgres sees by itself that the server named in this file is gone, unless its pid is another process's by now: then it
 * would refuse to start. In any other case the file must stay, since it also guards against orphans.
 */
async function removeStalePid(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
  if (Number.isNaN(pid)) return
  const command = commandOf(pid)
  if (command !== null && !command.includes(data)) await rm(path)
}

/** Where `startPostgres` really keeps its data when it is given this directory. */
export async function postgresDirectory(directory: string): Promise<string> {
  return directoryWithinReach(directory, await postgresUser())
}

async function readOrMakePassword(directory: string): Promise<string> {
  const path = join(directory, 'password')
  try {
    return await readFile(path, 'utf8')
  } catch {
    const password = randomBytes(24).toString('base64url')
    writeWhole(path, password)
    return password
  }
}

/** Made under another name first: what is called `data` is whole, whenever a start was killed. */
async function initialize(
  programs: PostgresPrograms,
  options: { data: string; password: string; user: RunUser | undefined },
): Promise<void> {
  const { data, password, user } = options
  const unfinished = `${data}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  const passwordFile = `${data}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user !== undefined) for (const path of [unfinished, passwordFile]) await chown(path, user.uid, user.gid)
  const locale =
    programs.majorVersion >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : [process.platform === 'darwin' ? '--locale=en_US.UTF-8' : '--locale=C.UTF-8']
  await runProgram(
    programs.initdb,
    [
      `--pgdata=${unfinished}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The system writes it to disk within half a minute; until then there is nothing in it to lose.
      '--no-sync',
      ...locale,
    ],
    { timeoutMs: INITDB_TIMEOUT_MS, directory: unfinished, user },
  )
  await rm(passwordFile)
  await rename(unfinished, data)
}

async function runPostgres(
  programs: PostgresPrograms,
  options: { directory: string; data: string; port: number; durable: boolean; user: RunUser | undefined },
): Promise<LocalProcess> {
  const { directory, data, port, durable, user } = options
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '400',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
  return startProcess({
    name: 'postgres',
    command: programs.postgres,
    arguments: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    directory: data,
    logFile: join(directory, 'postgres.log'),
    recordDirectory: directory,
    user,
    // Fast shutdown ends connections and writes a checkpoint; immediate shutdown does not.
    stopSignal: durable ? 'SIGINT' : 'SIGQUIT',
  })
}

/** Resolves when it answers a query. */
async function productOf(url: string): Promise<string> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
  })
  client.on('error', () => {}) // Lost while it is being closed; a failed query rejects by itself.
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string }>('select current_setting($1) as version', [
      'server_version',
    ])
    return `Postgres ${rows[0]?.version.split(' ')[0] ?? ''}`
  } finally {
    await client.end()
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
