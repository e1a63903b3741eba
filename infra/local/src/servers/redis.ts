import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findBinary } from '../processes/find-binary.ts'
import { freePort } from '../processes/free-port.ts'
import { startProcess, type LocalProcess } from '../processes/local-process.ts'
import { stopLeftovers } from '../processes/process-record.ts'
import { untilReady } from '../processes/until-ready.ts'
import { images, startContainer } from './docker.ts'
import { givenServer, serverOf, type Server, type ServerOptions } from './server.ts'

const READY_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 2_000

export interface RedisOptions extends ServerOptions {
  /** Its data outlives a stop, and a crash but for the last minute. Otherwise it is kept in memory only. */
  readonly durable: boolean
  /**
   * By service: each has a user, and may do what it has to (infra/redis). Who connects without a name may do everything, as is
   * convenient on one's own machine. Without passwords there are no users.
   */
  readonly passwords?: Readonly<Record<string, string>> | undefined
}

/** Those of infra/redis/users.acl. */
export const redisUsers = ['gateway', 'messaging', 'presence'] as const

/** A Redis on the loopback interface: the one of the URL, a program of this machine, or a container. */
export async function startRedis(options: RedisOptions): Promise<Server> {
  const { directory, url: given } = options
  if (given !== undefined)
    return givenServer({ name: 'redis', url: given, variable: 'REDIS_URL' }, () => productOf(given))
  await mkdir(directory, { recursive: true })
  await stopLeftovers(directory)
  const port = options.port ?? (await freePort())
  const url = `redis://127.0.0.1:${port}`
  await using stack = new AsyncDisposableStack()
  await writeUsers(options)
  const process = stack.use(await runRedis(options, port))
  const product = await untilReady(process, () => productOf(url), READY_TIMEOUT_MS, options.signal)
  stack.move()
  return serverOf(process, { name: 'redis', url, product })
}

const USERS = 'users.acl'

async function writeUsers({ directory, passwords }: RedisOptions): Promise<void> {
  if (passwords === undefined) return
  const users = await readFile(new URL('../../../redis/users.acl', import.meta.url), 'utf8')
  const filled = redisUsers.reduce(
    (text, user) => text.replace(`$${user.toUpperCase()}_PASSWORD`, passwords[user] ?? ''),
    users.replace('user default off', 'user default on nopass ~* &* +@all'),
  )
  await writeFile(join(directory, USERS), filled, { mode: 0o600 })
}

function runRedis({ directory, durable, passwords }: RedisOptions, port: number): Promise<LocalProcess> {
  const usersIn = (where: string) => (passwords === undefined ? [] : ['--aclfile', join(where, USERS)])
  const keeping = ['--save', durable ? '60 1' : '', '--appendonly', 'no']
  const binary = findBinary('redis-server')
  if (binary === null) {
    return startContainer({
      name: 'redis',
      image: images.redis,
      directory,
      mountAt: '/data',
      ports: { [port]: 6379 },
      // Only the loopback interface of this machine reaches it, but from where Redis is, all clients come from outside.
      arguments: ['redis-server', '--protected-mode', 'no', ...usersIn('/data'), ...keeping],
    })
  }
  return startProcess({
    name: 'redis',
    command: binary,
    arguments: ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, ...usersIn(directory), ...keeping],
    directory,
    logFile: join(directory, 'redis.log'),
    recordDirectory: directory,
    stopSignal: durable ? 'SIGTERM' : 'SIGKILL',
  })
}

/** Resolves when it answers a PING. */
async function productOf(url: string): Promise<string> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: ANSWER_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    retryStrategy: () => null,
  })
  let problem: Error | undefined
  redis.on('error', (error: Error) => (problem = error))
  try {
    await redis.connect()
    await redis.ping()
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? ''
    return `Redis ${version}`
  } catch (error) {
    throw problem ?? error
  } finally {
    redis.disconnect()
  }
}
