import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf } from './processes/process-identity.ts'
import { stopLeftovers } from './processes/process-record.ts'
import { startTogether } from './processes/start-together.ts'
import { ensureServers } from './servers/ensure-servers.ts'
import { postgresDirectory, startPostgres } from './servers/postgres.ts'
import { startS3 } from './servers/s3.ts'
import type { S3Server } from './servers/s3-server.ts'

export interface ThrowawayServers extends AsyncDisposable {
  /** All data of the run. Servers of single tests belong in folders of it: they are then found when the run was killed. */
  readonly directory: string
  /** The superuser's. Nothing is flushed to disk. */
  readonly postgresUrl: string
  /** The Postgres programs, copied once for the run: `startPostgres({ programsDirectory })`. */
  readonly postgresProgramsDirectory: string
  /** Null unless asked for. Objects are in memory. */
  readonly s3: S3Server | null
}

const PREFIX = 'parley-test-'
const OWNER = 'owner.json'

/**
 * The servers that all tests of a run share, with nothing kept: one Postgres and, if asked for, one S3. Redis and NATS are
 * installed if need be, and started by the tests that want them with `startRedis` and `startNats`, in milliseconds.
 */
export async function startThrowawayServers(options: { s3?: boolean } = {}): Promise<ThrowawayServers> {
  await removeAbandoned()
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), PREFIX))
  stack.defer(() => removeRun(directory)) // Servers that a test has left behind too.
  await chmod(directory, 0o711) // As root, Postgres runs as another user and has to get through.
  await writeFile(join(directory, OWNER), JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) }))
  const wanted = options.s3 === true ? (['redis', 'nats', 's3'] as const) : (['redis', 'nats'] as const)
  await ensureServers(wanted, { welcome: ['s3'], logFile: join(directory, 'apt.log') })
  const postgresHome = join(directory, 'postgres')
  const postgresProgramsDirectory = await postgresDirectory(postgresHome)
  const [postgres, s3] = await startTogether([
    startPostgres({ directory: postgresHome, durable: false }),
    options.s3 === true ? startS3({ directory: join(directory, 's3'), durable: false }) : Promise.resolve(null),
  ])
  stack.use(postgres)
  stack.use(s3)
  const running = stack.move()
  return {
    directory,
    postgresUrl: postgres.url,
    postgresProgramsDirectory,
    s3,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Ends and removes what runs that were killed have left behind. */
async function removeAbandoned(): Promise<void> {
  const names = await readdir(tmpdir())
  const directories = names.filter((name) => name.startsWith(PREFIX)).map((name) => join(tmpdir(), name))
  for (const directory of directories) if (await isAbandoned(directory)) await removeRun(directory)
}

async function isAbandoned(directory: string): Promise<boolean> {
  try {
    const owner = JSON.parse(await readFile(join(directory, OWNER), 'utf8')) as { pid: number; identity: string }
    return identityOf(owner.pid) !== owner.identity
  } catch {
    return false // Another user's, or just being made.
  }
}

/** Ends what still runs in the folders of a run, and removes all of it. */
async function removeRun(directory: string): Promise<void> {
  const postgres = await postgresDirectory(join(directory, 'postgres'))
  const folders = await readdir(directory, { withFileTypes: true })
  const homes = folders.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name))
  for (const home of [postgres, ...homes]) await stopLeftovers(home)
  for (const gone of [postgres, directory]) await rm(gone, { recursive: true, force: true })
}
